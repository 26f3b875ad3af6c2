/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Steps in processes of their own. */

#include "prepare/step.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/io.h"

/* How long the end of a process may take after SIGKILL. */
#define KILL_USEC USEC_PER_SEC

void step_say(step_message message, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void) vsnprintf(message, sizeof(step_message), format, args);
        va_end(args);
}

/* Waits for the end of a process, whose pidfd may be -1 for none. Returns STEP_DONE at its end, STEP_STOPPED, or
 * STEP_HUNG when the time has passed. */
static enum step_result wait_until(int pidfd, uint64_t end, int signal_fd) {
        for (;;) {
                struct pollfd pollfds[] = { { .fd = pidfd, .events = POLLIN }, { .fd = signal_fd, .events = POLLIN } };
                uint64_t t = now_usec(), left = t < end ? end - t : 0;
                struct timespec ts = {
                        .tv_sec = (time_t) (left / USEC_PER_SEC),
                        .tv_nsec = (long) (left % USEC_PER_SEC * NSEC_PER_USEC),
                };
                int n;

                n = ppoll(pollfds, ELEMENTSOF(pollfds), &ts, NULL);
                if (n > 0 && pollfds[0].revents)
                        return STEP_DONE;
                if (n > 0)
                        return STEP_STOPPED;
                if (n == 0 || errno != EINTR)
                        return STEP_HUNG;
        }
}

enum step_result step_sleep(uint64_t usec, int signal_fd) {
        return wait_until(-1, now_usec() + usec, signal_fd) == STEP_STOPPED ? STEP_STOPPED : STEP_DONE;
}

/* @kill_pid is negative for a whole process group. */
static enum step_result wait_or_kill(pid_t pid, pid_t kill_pid, uint64_t timeout_usec, int signal_fd,
                                     int *ret_status) {
        _cleanup_close_ int pidfd = -1;
        enum step_result result;

        pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
        result = pidfd < 0 ? STEP_HUNG : wait_until(pidfd, now_usec() + timeout_usec, signal_fd);
        if (result != STEP_DONE) {
                (void) kill(kill_pid, SIGKILL);
                (void) wait_until(pidfd, now_usec() + KILL_USEC, -1);
        }
        if (waitpid(pid, ret_status, WNOHANG) == pid && result == STEP_HUNG)
                return STEP_KILLED;
        return result;
}

/* This program has one thread, so that its child may do everything that it may. */
static _Noreturn void run_child(step_func *func, const void *argument, int fd) {
        step_message message = "";
        enum step_result result;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        result = func(argument, message);
        if (*message && write_text_fd(fd, message) < 0)
                result = STEP_RETRY;
        _exit((int) result);
}

enum step_result step_run(step_func *func, const void *argument, uint64_t timeout_usec, int signal_fd,
                          step_message message) {
        _cleanup_close_ int read_fd = -1, write_fd = -1;
        enum step_result result;
        int fds[2], status;
        ssize_t n;
        pid_t pid;

        step_say(message, "No process can be started");
        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return STEP_RETRY;
        read_fd = fds[0];
        write_fd = fds[1];
        pid = fork();
        if (pid == 0)
                run_child(func, argument, write_fd);
        if (pid < 0)
                return STEP_RETRY;

        message[0] = '\0';
        result = wait_or_kill(pid, pid, timeout_usec, signal_fd, &status);
        if (result != STEP_DONE)
                return result;
        n = read(read_fd, message, sizeof(step_message) - 1);
        message[n > 0 ? n : 0] = '\0';
        return WIFEXITED(status) && WEXITSTATUS(status) <= STEP_FAILED ? (enum step_result) WEXITSTATUS(status)
                                                                       : STEP_RETRY;
}

/* The program has a process group of its own, so that it can be killed with its children. */
static int spawn(char *const argv[], pid_t *ret) {
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r;

        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(&attributes,
                                 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        r = posix_spawn(ret, argv[0], NULL, &attributes, argv, environ);
        posix_spawnattr_destroy(&attributes);
        return -r;
}

enum step_result step_run_program(char *const argv[], uint64_t timeout_usec, int signal_fd, int *ret_status) {
        pid_t pid;

        *ret_status = spawn(argv, &pid);
        if (*ret_status < 0)
                return STEP_FAILED;
        return wait_or_kill(pid, -pid, timeout_usec, signal_fd, ret_status);
}
