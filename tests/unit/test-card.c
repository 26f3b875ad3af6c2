/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cards as sysfs shows them, and the files that say how far their preparation is. */

#include "common/card.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/preparation.h"
#include "common/root.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/test.h"

#define NAME "0000:3d:00.0"
#define CARD CARD_DEVICES "/" NAME
#define STATE PREPARATION_DIRECTORY "/" NAME

static int set_up(void **state) {
        fake_host_new();
        return 0;
}

static int tear_down(void **state) {
        fake_host_free();
        return 0;
}

static void write_file(const char *path, const char *text) {
        int fd = openat(root_fd(), path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

/* sriov_numvfs is a FIFO, which nobody writes to: whoever reads it hangs. */
static void add_card(void) {
        fake_directory_add(CARD);
        write_file(CARD "/vendor", "0x10de\n");
        write_file(CARD "/device", "0x26b9\n");
        write_file(CARD "/sriov_totalvfs", "16\n");
        assert_int_equal(mkfifoat(root_fd(), CARD "/sriov_numvfs", 0644), 0);
}

static void test_card(void **state) {
        struct card card;

        add_card();
        assert_int_equal(card_read(NAME, &card), 0);
        assert_string_equal(card.name, NAME);
        assert_string_equal(card.driver, "");
        assert_string_equal(card.pci_device, "10de:26b9");
        assert_false(card.is_function);
        assert_int_equal(card.total, 16);
        assert_int_equal(card.n_functions, 0);
        assert_null(card_for_set(&card).driver);

        assert_int_equal(symlinkat("../../drivers/nvidia", root_fd(), CARD "/driver"), 0);
        assert_int_equal(symlinkat("../x", root_fd(), CARD "/physfn"), 0);
        assert_int_equal(card_read(NAME, &card), 0);
        assert_string_equal(card_for_set(&card).driver, "nvidia");
        assert_true(card.is_function);

        assert_int_equal(card_read("0000:3d:00.1", &card), -ENOENT);
        assert_int_equal(card_read("../devices/" NAME, &card), -ENOENT);
        assert_int_equal(card_read("", &card), -ENOENT);
        assert_int_equal(card_read("..", &card), -ENOENT);
}

/* While the kernel removes them, the first ones have gone. */
static void test_functions(void **state) {
        struct card_function function;
        struct card card;

        add_card();
        fake_directory_add(CARD_DEVICES "/0000:3d:00.6/nvidia");
        write_file(CARD_DEVICES "/0000:3d:00.6/nvidia/current_vgpu_type", "0\n");
        assert_int_equal(symlinkat("x/xe", root_fd(), CARD_DEVICES "/0000:3d:00.6/driver"), 0);
        assert_int_equal(symlinkat("../0000:3d:00.6", root_fd(), CARD "/virtfn2"), 0);
        assert_int_equal(symlinkat("../0000:3d:00.7", root_fd(), CARD "/virtfn3"), 0);
        assert_int_equal(card_read(NAME, &card), 0);
        assert_int_equal(card.n_functions, 2);
        assert_int_equal(card_function_read(NAME, 0, &function), -ENOENT);
        assert_int_equal(card_function_read(NAME, 3, &function), -ENOENT);
        assert_int_equal(card_function_read(NAME, 2, &function), 0);
        assert_string_equal(function.name, "0000:3d:00.6");
        assert_string_equal(function.driver, "xe");
        assert_true(function.has_types);
}

static void test_preparation(void **state) {
        _cleanup_preparation_ struct preparation first = {}, second = {};
        struct preparation running = { PREPARATION_RUNNING, 2, 5, (char *) "Waits: \"\\ ä", (char *) "10-a" };
        struct preparation bare = { .state = PREPARATION_FAILED };
        struct stat st;

        (void) umask(0077);
        assert_int_equal(preparation_load(NAME, &first), -ENOENT);
        assert_int_equal(preparation_remove(NAME), 0);
        /* Nobody has made the directory. */
        fake_directory_add("run");
        assert_int_equal(preparation_store(NAME, &running), 0);
        assert_int_equal(fstatat(root_fd(), STATE, &st, 0), 0);
        assert_int_equal(st.st_mode & 0777, 0644);
        assert_int_equal(preparation_load(NAME, &first), 0);
        assert_int_equal(first.state, PREPARATION_RUNNING);
        assert_int_equal(first.attempt, 2);
        assert_int_equal(first.attempts, 5);
        assert_string_equal(first.message, running.message);
        assert_string_equal(first.set, "10-a");

        assert_int_equal(preparation_store(NAME, &bare), 0);
        assert_int_equal(preparation_load(NAME, &second), 0);
        assert_int_equal(second.state, PREPARATION_FAILED);
        assert_string_equal(second.message, "");
        assert_int_equal(preparation_remove(NAME), 0);
        assert_int_equal(preparation_load(NAME, &first), -ENOENT);
        assert_int_equal(preparation_store("../x", &bare), -EINVAL);
        assert_int_equal(preparation_load("..", &first), -EINVAL);
}

static void test_broken_preparation(void **state) {
        static const char *const texts[] = {
                "", "[]", "{}", "{\"state\":\"over\",\"attempt\":1,\"attempts\":5,\"message\":\"\",\"set\":\"\"}",
                "{\"state\":\"done\",\"attempt\":-1,\"attempts\":5,\"message\":\"\",\"set\":\"\"}",
                "{\"state\":\"done\",\"attempt\":1,\"attempts\":4294967296,\"message\":\"\",\"set\":\"\"}",
                "{\"state\":\"done\",\"attempt\":1,\"attempts\":5,\"message\":null,\"set\":\"\"}",
                "{\"state\":\"done\",\"attempt\":1,\"attempts\":5,\"message\":\"\"}",
        };
        struct preparation preparation = {};

        fake_directory_add(PREPARATION_DIRECTORY);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                write_file(STATE, texts[i]);
                assert_int_equal(preparation_load(NAME, &preparation), -EBADMSG);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_card, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_functions, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_preparation, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_broken_preparation, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
