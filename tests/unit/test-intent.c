/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Intents: read as they were written, and files that are none. */

#include <errno.h>
#include <fcntl.h>

#include "common/intent.h"
#include "common/root.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/test.h"

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define REST "\"pid\": 1, \"start-time\": 2, \"inode\": 3, \"autostart\": true}"

static int set_up(void **state) {
        fake_host_new();
        return 0;
}

static int tear_down(void **state) {
        fake_host_free();
        return 0;
}

static void put(const char *name, const char *text) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), INTENT_DIRECTORY "/%s", name);
        (void) unlinkat(root_fd(), path, 0);
        assert_int_equal(symlinkat(text, root_fd(), path), 0);
}

static void test_there_and_back(void **state) {
        const struct intent intent = {
                .parent = (char *) "0000:00:02.0",
                .type = (char *) "i915-GVTg_V5_4",
                .pid = INT32_MAX,
                .start_time = UINT64_MAX,
                .inode = UINT64_MAX,
                .autostart = true,
        };
        _cleanup_intent_ struct intent loaded = {};

        assert_int_equal(intent_store(UUID, &intent), 0);
        assert_int_equal(intent_set_writing(UUID, true), 0);
        assert_int_equal(intent_load(UUID, &loaded), 0);
        assert_string_equal(loaded.parent, intent.parent);
        assert_string_equal(loaded.type, intent.type);
        assert_int_equal(loaded.pid, intent.pid);
        assert_true(loaded.start_time == intent.start_time && loaded.inode == intent.inode);
        assert_true(loaded.autostart && loaded.writing);
}

static void test_files_that_are_none(void **state) {
        static const char *const texts[] = {
                "x", "null", "[]", "{}", "{",
                "{\"parent\": null, \"type\": \"a\", " REST,
                "{\"parent\": \"a\", \"type\": 1, " REST,
                "{\"parent\": \"..\", \"type\": \"a\", " REST,
                "{\"parent\": \"a\", \"type\": \"../b\", " REST,
                "{\"parent\": \"a\", \"type\": \"\", " REST,
                "{\"parent\": \"a\\u0000b\", \"type\": \"a\", " REST,
                "{\"parent\": \"a\", \"type\": \"b\", \"pid\": 4294967297, \"start-time\": 2, \"inode\": 3, "
                "\"autostart\": true}",
        };
        struct intent intent = {};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                put(UUID ".writing", texts[i]);
                assert_int_equal(intent_load(UUID, &intent), -EBADMSG);
                assert_null(intent.parent);
        }
}

/* Of an older daemon, or nobody's. */
static void test_a_file_that_is_no_link(void **state) {
        struct intent intent = {};
        int fd = openat(root_fd(), INTENT_DIRECTORY "/" UUID ".prepared", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        close(fd);
        assert_true(intent_load(UUID, &intent) < 0);
        assert_int_equal(intent_remove(UUID), 0);
        assert_int_equal(intent_load(UUID, &intent), -ENOENT);
}

static int count(const char *uuid, void *userdata) {
        assert_string_equal(uuid, UUID);
        (*(int *) userdata)++;
        return 0;
}

static void test_names_that_are_none(void **state) {
        int n = 0;

        put(UUID ".prepared", "{}");
        put(UUID ".new", "{}");
        put(UUID ".other", "{}");
        put("83B8F4F2-509F-382F-3C1E-E6BFE0FA1001.writing", "{}");
        put("x.writing", "{}");
        put(".writing", "{}");
        assert_int_equal(intent_list(count, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(faccessat(root_fd(), INTENT_DIRECTORY "/" UUID ".new", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_there_and_back, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_files_that_are_none, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_file_that_is_no_link, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_names_that_are_none, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
