/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of the store: which are read, which are fresh, which are the same. */

#include "tests/unit/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/root.h"
#include "common/store-file.h"

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define TEXT "{\"mdev_type\": \"mtty-1\", \"start\": \"auto\"}"

/* A store of its own, as the root's etc/mdevctl.d with one parent. */
struct fixture {
        char root[32];
        int store_fd;
        int parent_fd;
};

static int setup(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        char path[64];

        strcpy(fixture->root, "/tmp/test-store-XXXXXX");
        assert_non_null(mkdtemp(fixture->root));
        assert_int_equal(root_set(fixture->root), 0);
        for (size_t i = 0; i < 3; i++) {
                static const char *const directories[] = { "etc", STORE_DIRECTORY, STORE_DIRECTORY "/mtty" };

                snprintf(path, sizeof(path), "%s/%s", fixture->root, directories[i]);
                assert_int_equal(mkdir(path, 0755), 0);
        }
        fixture->store_fd = store_open();
        assert_true(fixture->store_fd >= 0);
        fixture->parent_fd = store_open_parent(fixture->store_fd, "mtty");
        assert_true(fixture->parent_fd >= 0);
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        struct fixture *fixture = *state;
        char command[64];

        close(fixture->parent_fd);
        close(fixture->store_fd);
        assert_int_equal(root_set("/"), 0);
        snprintf(command, sizeof(command), "rm -r %s", fixture->root);
        assert_int_equal(system(command), 0);
        free(fixture);
        return 0;
}

static void put(const struct fixture *fixture, const char *name, const char *text) {
        _cleanup_close_ int fd = -1;

        fd = openat(fixture->parent_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int read_it(const struct fixture *fixture, const char *name, struct stat *st, struct definition_error *error) {
        _cleanup_definition_ struct definition *definition = NULL;

        *error = (struct definition_error) {};
        return store_read(fixture->parent_fd, name, &definition, st, error);
}

static void test_reads_a_definition(void **state) {
        struct fixture *fixture = *state;
        struct definition_error error;
        struct stat st;

        assert_int_equal(read_it(fixture, UUID, &st, &error), -ENOENT);
        put(fixture, UUID, TEXT);
        assert_int_equal(read_it(fixture, UUID, &st, &error), 0);
        assert_int_equal(st.st_size, strlen(TEXT));
        assert_int_equal(read_it(fixture, UUID, NULL, &error), 0);
        put(fixture, UUID, "{\n\n!");
        assert_int_equal(read_it(fixture, UUID, &st, &error), -EBADMSG);
        assert_int_equal(error.line, 3);
}

static void test_reads_no_other_files(void **state) {
        struct fixture *fixture = *state;
        struct definition_error error;
        struct stat st;

        assert_int_equal(mkfifoat(fixture->parent_fd, UUID, 0644), 0);
        assert_int_equal(read_it(fixture, UUID, &st, &error), -EBADMSG);
        assert_string_equal(error.message, "is not a regular file");
        assert_int_equal(unlinkat(fixture->parent_fd, UUID, 0), 0);

        assert_int_equal(symlinkat("other", fixture->parent_fd, UUID), 0);
        put(fixture, "other", TEXT);
        assert_int_equal(read_it(fixture, UUID, &st, &error), -EBADMSG);
        assert_string_equal(error.message, "is a symbolic link");
        assert_int_equal(unlinkat(fixture->parent_fd, UUID, 0), 0);

        assert_int_equal(linkat(fixture->parent_fd, "other", fixture->parent_fd, UUID, 0), 0);
        assert_int_equal(read_it(fixture, UUID, &st, &error), -EBADMSG);
        assert_int_equal(read_it(fixture, "other", &st, &error), -EBADMSG);
        assert_int_equal(unlinkat(fixture->parent_fd, UUID, 0), 0);
        assert_int_equal(read_it(fixture, "other", &st, &error), 0);

        put(fixture, UUID, TEXT);
        {
                _cleanup_close_ int fd = openat(fixture->parent_fd, UUID, O_WRONLY | O_CLOEXEC);

                assert_int_equal(ftruncate(fd, DEFINITION_SIZE_MAX + 1), 0);
        }
        assert_int_equal(read_it(fixture, UUID, &st, &error), -EFBIG);
}

static void test_parents_stay_inside(void **state) {
        static const char *const names[] = { "", ".", "..", "a/b", "../etc", ".x", "scripts.d" };
        struct fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_int_equal(store_open_parent(fixture->store_fd, names[i]), -EINVAL);
        assert_int_equal(store_open_parent(fixture->store_fd, "none"), -ENOENT);
        assert_int_equal(symlinkat("mtty", fixture->store_fd, "link"), 0);
        assert_true(store_open_parent(fixture->store_fd, "link") < 0);
}

/* A file that was modified so long ago. */
static struct stat modified(int64_t usec_ago) {
        struct stat st = { .st_mode = S_IFREG };
        struct timespec now;
        int64_t usec;

        clock_gettime(CLOCK_REALTIME, &now);
        usec = (int64_t) now.tv_sec * (int64_t) USEC_PER_SEC + now.tv_nsec / 1000 - usec_ago;
        st.st_mtim.tv_sec = usec / (int64_t) USEC_PER_SEC;
        st.st_mtim.tv_nsec = usec % (int64_t) USEC_PER_SEC * 1000;
        return st;
}

/* Over the turn of a second, too. */
static void test_fresh(void **state) {
        for (int i = 0; i < 25; i++) {
                struct stat st;

                st = modified(0);
                assert_true(store_file_is_fresh(&st));
                st = modified(STORE_FRESH_USEC / 2);
                assert_true(store_file_is_fresh(&st));
                st = modified(STORE_FRESH_USEC + 1);
                assert_false(store_file_is_fresh(&st));
                st = modified(5 * USEC_PER_SEC);
                assert_false(store_file_is_fresh(&st));
                /* The clock was set back: it will not be complete any sooner. */
                st = modified(-5 * (int64_t) USEC_PER_SEC);
                assert_false(store_file_is_fresh(&st));
                sleep_usec(USEC_PER_SEC / 20);
        }
}

static void test_same(void **state) {
        struct fixture *fixture = *state;
        struct stat a, b;

        put(fixture, UUID, TEXT);
        assert_int_equal(fstatat(fixture->parent_fd, UUID, &a, 0), 0);
        assert_int_equal(fstatat(fixture->parent_fd, UUID, &b, 0), 0);
        assert_true(store_file_is_same(&a, &b));

        sleep_usec(20 * USEC_PER_MSEC);
        put(fixture, UUID, TEXT);
        assert_int_equal(fstatat(fixture->parent_fd, UUID, &b, 0), 0);
        assert_false(store_file_is_same(&a, &b));

        put(fixture, "new", TEXT);
        assert_int_equal(renameat(fixture->parent_fd, "new", fixture->parent_fd, UUID), 0);
        assert_int_equal(fstatat(fixture->parent_fd, UUID, &a, 0), 0);
        assert_false(store_file_is_same(&a, &b));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_reads_a_definition, setup, teardown),
                cmocka_unit_test_setup_teardown(test_reads_no_other_files, setup, teardown),
                cmocka_unit_test_setup_teardown(test_parents_stay_inside, setup, teardown),
                cmocka_unit_test_setup_teardown(test_same, setup, teardown),
                cmocka_unit_test(test_fresh),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
