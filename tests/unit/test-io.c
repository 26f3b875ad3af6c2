/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What opens only what is below a directory. */

#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/root.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/test.h"

static int set_up(void **state) {
        fake_host_new();
        return 0;
}

static int tear_down(void **state) {
        fake_host_free();
        return 0;
}

/* in/ with a file, a folder with one, and links; out, a file beside it. Returns in/. */
static int make_tree(void) {
        static const char *const directories[] = { "tree", "tree/in", "tree/in/folder" };
        static const char *const files[] = { "tree/out", "tree/in/file", "tree/in/folder/file" };
        static const char *const links[][2] = {
                { "../out", "tree/in/link" },
                { "file", "tree/in/link-inside" },
                { "..", "tree/in/up" },
                { "folder", "tree/in/folder-inside" },
                { "/proc/self/cwd", "tree/in/folder/magic" },
        };
        int fd;

        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                assert_int_equal(mkdirat(root_fd(), directories[i], 0700), 0);
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                assert_int_equal(mknodat(root_fd(), files[i], S_IFREG | 0600, 0), 0);
        for (size_t i = 0; i < ELEMENTSOF(links); i++)
                assert_int_equal(symlinkat(links[i][0], root_fd(), links[i][1]), 0);
        fd = openat(root_fd(), "tree/in", O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

static void test_open_beneath(void **state) {
        static const struct {
                const char *path;
                int result;
        } cases[] = {
                { "file", 0 },
                { "folder/file", 0 },
                { "folder", 0 },
                { "nothing", -ENOENT },
                { "nothing/file", -ENOENT },
                { "file/file", -ENOTDIR },
                { "link", -ELOOP },
                { "link/file", -ELOOP },
                { "link-inside", -ELOOP },
                { "folder-inside/file", -ELOOP },
                { "up/out", -ELOOP },
                { "folder/magic", -ELOOP },
                { "folder/magic/file", -ELOOP },
                { "", -EXDEV },
                { ".", -EXDEV },
                { "..", -EXDEV },
                { "../out", -EXDEV },
                { "/", -EXDEV },
                { "/etc", -EXDEV },
                { "folder/", -EXDEV },
                { "folder//file", -EXDEV },
                { "folder/./file", -EXDEV },
                { "folder/../file", -EXDEV },
                { "folder/..", -EXDEV },
        };
        _cleanup_close_ int dir_fd = make_tree();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_close_ int fd = open_beneath(dir_fd, cases[i].path, O_RDONLY | O_NONBLOCK);

                if ((fd < 0 ? fd : 0) != cases[i].result)
                        fail_msg("'%s': %d instead of %d", cases[i].path, fd, cases[i].result);
        }
        assert_int_equal(open_beneath(dir_fd, "folder-inside", O_PATH | O_DIRECTORY), -ELOOP);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_open_beneath, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
