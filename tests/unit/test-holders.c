/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whom holders_find() finds in a made-up /proc. That of a process is made of links to real files. */

#include "common/find-holders.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/root.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/test.h"

/* Of the devices that everybody has. */
#define FULL "/dev/full"
#define FULL_NUMBER "1:7\n"
#define ZERO "/dev/zero"

static int set_up(void **state) {
        fake_host_new();
        return 0;
}

static int tear_down(void **state) {
        fake_host_free();
        return 0;
}

static void make_directory(const char *path) {
        assert_int_equal(mkdirat(root_fd(), path, 0755), 0);
}

static void write_file(const char *path, const char *text) {
        int fd = openat(root_fd(), path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_true(write(fd, text, strlen(text)) >= 0);
        close(fd);
}

static void add_process(const char *pid, const char *file) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "proc/%s", pid);
        make_directory(path);
        snprintf(path, sizeof(path), "proc/%s/fd", pid);
        make_directory(path);
        snprintf(path, sizeof(path), "proc/%s/fd/5", pid);
        assert_int_equal(symlinkat(file, root_fd(), path), 0);
        snprintf(path, sizeof(path), "proc/%s/comm", pid);
        write_file(path, "vm\n");
}

/* Returns its directory. */
static int add_device(void) {
        static const char *const directories[] = {
                "sys/class/vfio", "sys/class/vfio/12", "device", "device/vfio-dev", "device/vfio-dev/vfio3", "proc",
        };
        int fd;

        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                make_directory(directories[i]);
        assert_int_equal(symlinkat("../iommu_groups/12", root_fd(), "device/iommu_group"), 0);
        fd = openat(root_fd(), "device", O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

static int note_pid(pid_t pid, const char *name, void *userdata) {
        assert_string_equal(name, "vm");
        *(pid_t *) userdata = pid;
        return 0;
}

static void test_number_in_sysfs(void **state) {
        static const char *const files[] = { "sys/class/vfio/12/dev", "device/vfio-dev/vfio3/dev" };

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_close_ int fd = -1;
                pid_t found = 0;

                if (i > 0) {
                        fake_host_free();
                        fake_host_new();
                }
                fd = add_device();
                add_process("999999998", ZERO);
                add_process("999999999", FULL);
                assert_int_equal(holders_find(fd, note_pid, &found), 0);
                write_file(files[i], FULL_NUMBER);
                assert_int_equal(holders_find(fd, note_pid, &found), 1);
                assert_int_equal(found, 999999999);
        }
}

static void test_number_that_is_none(void **state) {
        _cleanup_close_ int fd = add_device();
        pid_t found = 0;

        write_file("sys/class/vfio/12/dev", "1\n");
        write_file("device/vfio-dev/vfio3/dev", "");
        add_process("999999999", FULL);
        assert_int_equal(holders_find(fd, note_pid, &found), 0);
}

/* As in a simulated host. */
static void test_node_that_is_a_file(void **state) {
        _cleanup_close_ int fd = add_device();
        pid_t found = 0;

        make_directory("dev");
        make_directory("dev/vfio");
        write_file("dev/vfio/12", "");
        write_file("dev/12", "");
        add_process("999999998", "../../../dev/12");
        add_process("999999999", "../../../dev/vfio/12");
        assert_int_equal(holders_find(fd, note_pid, &found), 1);
        assert_int_equal(found, 999999999);
}

static void test_device_of_the_process(void **state) {
        _cleanup_close_ int fd = add_device();

        write_file("sys/class/vfio/12/dev", FULL_NUMBER);
        add_process("999999997", FULL);
        add_process("999999998", ZERO);
        add_process("999999999", "anon_inode:[vfio-device]");
        assert_false(holder_has_device(fd, 999999997));
        assert_false(holder_has_device(fd, 999999998));
        assert_true(holder_has_device(fd, 999999999));
        assert_true(holder_has_device(fd, 999999996));
        write_file("device/vfio-dev/vfio3/dev", "1:5\n");
        assert_true(holder_has_device(fd, 999999998));
        assert_false(holder_has_device(fd, 999999997));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_number_in_sysfs, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_number_that_is_none, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_node_that_is_a_file, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_device_of_the_process, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
