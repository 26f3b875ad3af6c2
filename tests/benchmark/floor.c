/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The floor: a service that writes what it is told to, and nothing else. No check, no worker, no signal, no event loop:
 * whatever the daemon does takes longer than this. */

#include "tests/benchmark/floor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define FLOOR_PATH "/org/mediated1/Benchmark"
#define FLOOR_INTERFACE "org.mediated1.Benchmark"

/* The system bus lets nobody own a name or be called that no policy speaks of. */
#define POLICY_FILE "/etc/dbus-1/system.d/" FLOOR_NAME ".conf"

static const char policy[] =
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\"\n"
        " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
        "<busconfig>\n"
        "  <policy user=\"root\">\n"
        "    <allow own=\"" FLOOR_NAME "\"/>\n"
        "    <allow send_destination=\"" FLOOR_NAME "\"/>\n"
        "  </policy>\n"
        "</busconfig>\n";

static int open_and_write(const char *path, int flags, const char *text) {
        _cleanup_close_ int fd = -1;
        size_t length = strlen(text);
        ssize_t n;

        fd = open(path, flags | O_WRONLY | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;

        n = write(fd, text, length);
        if (n < 0)
                return -errno;
        return (size_t) n == length ? 0 : -EIO;
}

int write_file(const char *path, const char *text) {
        return open_and_write(path, 0, text);
}

int floor_new_write(sd_bus *bus, sd_bus_message **ret, const char *path, const char *text) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &message, FLOOR_NAME, FLOOR_PATH, FLOOR_INTERFACE, "Write");
        if (r >= 0)
                r = sd_bus_message_append(message, "ss", path, text);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(message);
        return 0;
}

static int method_write(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        const char *path, *text;
        int r;

        r = sd_bus_message_read(message, "ss", &path, &text);
        if (r < 0)
                return r;
        r = write_file(path, text);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(message, NULL);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Write", SD_BUS_ARGS("s", path, "s", text), SD_BUS_NO_RESULT, method_write,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static int serve(sd_bus *bus) {
        int r;

        for (;;) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                if (r < 0 && r != -EINTR)
                        return r;
        }
}

int floor_main(void) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, NULL, FLOOR_PATH, FLOOR_INTERFACE, vtable, NULL);
        if (r >= 0)
                r = sd_bus_request_name(bus, FLOOR_NAME, 0);
        if (r >= 0) {
                puts("ready");
                fflush(stdout);
                r = serve(bus);
        }

        fprintf(stderr, "%s: the floor service: %s\n", program_invocation_short_name, strerror(-r));
        return EXIT_FAILURE;
}

static int reload_policies(sd_bus *bus) {
        return sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                  "ReloadConfig", NULL, NULL, NULL);
}

static pid_t spawn(int ready_fd) {
        pid_t pid;

        pid = fork();
        if (pid != 0)
                return pid < 0 ? -errno : pid;

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) >= 0 && dup2(ready_fd, STDOUT_FILENO) >= 0)
                execl("/proc/self/exe", program_invocation_short_name, "--floor", NULL);
        _exit(EXIT_FAILURE);
}

int floor_start(sd_bus *bus, pid_t *ret) {
        _cleanup_close_ int ours = -1, theirs = -1;
        char buffer[16];
        int fds[2], r;
        pid_t pid;

        r = open_and_write(POLICY_FILE, O_CREAT | O_TRUNC, policy);
        if (r >= 0)
                r = reload_policies(bus);
        if (r < 0)
                return r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        ours = fds[0];
        theirs = fds[1];

        pid = spawn(theirs);
        if (pid < 0)
                return pid;
        *ret = pid;

        /* Nothing but ours may keep its end open, or a service that fails would never be noticed. */
        close(TAKE_FD(theirs));
        return read(ours, buffer, sizeof(buffer)) > 0 ? 0 : -ECHILD;
}

void floor_stop(sd_bus *bus, pid_t pid) {
        if (pid > 0) {
                (void) kill(pid, SIGTERM);
                (void) waitpid(pid, NULL, 0);
        }

        (void) unlink(POLICY_FILE);
        (void) reload_policies(bus);
}
