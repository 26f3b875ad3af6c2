/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The names of virtual machines that machine_of_process() finds in a made-up /proc. */

#include "worker/machine.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/macro.h"
#include "common/root.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/test.h"

#define PID 4711

static int set_up(void **state) {
        static const char *const directories[] = { "proc", "proc/4711", "run/systemd", "run/systemd/machines" };

        fake_host_new();
        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                assert_int_equal(mkdirat(root_fd(), directories[i], 0755), 0);
        return 0;
}

static int tear_down(void **state) {
        fake_host_free();
        return 0;
}

static void write_file(const char *path, const char *text, size_t size) {
        int fd = openat(root_fd(), path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, size), size);
        close(fd);
}

static void assert_machine(const char *comm, const char *expected) {
        char name[65];

        machine_of_process(PID, comm, name, sizeof(name));
        assert_string_equal(name, expected);
}

#define SET_ARGUMENTS(text) write_file("proc/4711/cmdline", text, sizeof(text))
#define SET_CGROUP(text) write_file("proc/4711/cgroup", text, strlen(text))

static void test_qemu(void **state) {
        assert_machine("qemu-system-x86", "");
        SET_ARGUMENTS("/usr/bin/qemu-system-x86_64\0-name\0guest=web,debug-threads=on\0-S");
        assert_machine("qemu-system-x86", "web");
        assert_machine("bash", "");
        SET_ARGUMENTS("kvm\0-name\0old style\0-S");
        assert_machine("kvm", "old style");
        SET_ARGUMENTS("qemu\0-S\0-name");
        assert_machine("qemu", "");
}

static void test_scope(void **state) {
        SET_CGROUP("0::/user.slice/user-0.slice/session-1.scope\n");
        assert_machine("qemu", "");
        SET_CGROUP("1:name=systemd:/\n0::/machine.slice/machine-qemu\\x2d7\\x2dweb\\x2d2.scope/libvirt/emulator\n");
        assert_machine("qemu", "web-2");
        SET_CGROUP("0::/machine.slice/machine-box.slice/machine-box.scope\n");
        assert_machine("any", "box");
        SET_CGROUP("0::/machine-.scope\n0::/machine-\n");
        assert_machine("any", "");
}

static void test_machined(void **state) {
        SET_CGROUP("0::/machine.slice/machine-box.scope\n");
        assert_int_equal(symlinkat("the-box", root_fd(), "run/systemd/machines/unit:machine-box.scope"), 0);
        assert_machine("any", "the-box");
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        const struct CMUnitTest tests[] = { TEST(test_qemu), TEST(test_scope), TEST(test_machined) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
