/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs one program. */

#include "worker/callout.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/io.h"
#include "worker/callouts.h"

/* How many reads empty a pipe. A pipe has 64 KiB, and each read takes at least a page of it. */
#define PIPE_READS_MAX 16

/* How long the end of a process may take after SIGKILL. In a driver that does not return, not even SIGKILL ends it. */
#define KILL_USEC USEC_PER_SEC

enum { IN, OUT, ERR, _STREAM_MAX };

struct run {
        pid_t pid;
        int pidfd;
        int fds[_STREAM_MAX];           /* our ends of the pipes; -1: closed */
        const char *input;
        size_t input_left;
        char *text[_STREAM_MAX];
        size_t size[_STREAM_MAX];
        bool lost;                      /* whether a part of the output is missing because memory was short */
};

void callout_output_clear(struct callout_output *output) {
        free(output->out);
        free(output->err);
        *output = (struct callout_output) {};
}

static void run_clear(struct run *run) {
        closep(&run->pidfd);
        for (int i = 0; i < _STREAM_MAX; i++) {
                closep(&run->fds[i]);
                free(run->text[i]);
        }
}

static int make_pipes(int ours[static _STREAM_MAX], int theirs[static _STREAM_MAX]) {
        for (int i = 0; i < _STREAM_MAX; i++) {
                int fds[2];

                if (pipe2(fds, O_CLOEXEC) < 0)
                        return -errno;
                ours[i] = fds[i == IN ? 1 : 0];
                theirs[i] = fds[i == IN ? 0 : 1];
                if (fcntl(ours[i], F_SETFL, O_NONBLOCK) < 0)
                        return -errno;
        }
        return 0;
}

/* The program gets the pipes and nothing else of ours. It has a process group of its own, so that it can be killed with
 * its children. */
static int spawn(char *const argv[], char *const environment[], const int fds[static _STREAM_MAX], pid_t *ret) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r;

        sigemptyset(&none);
        sigfillset(&all);
        posix_spawn_file_actions_init(&actions);
        r = posix_spawn_file_actions_addchdir_np(&actions, "/");
        for (int i = 0; r == 0 && i < _STREAM_MAX; i++)
                r = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(&attributes,
                                 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

        if (r == 0)
                r = posix_spawn(ret, argv[0], &actions, &attributes, argv, environment);

        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

static void stop_stream(struct run *run, int i) {
        closep(&run->fds[i]);
        run->fds[i] = -1;
}

static void feed(struct run *run) {
        ssize_t n;

        n = write(run->fds[IN], run->input, run->input_left);
        if (n > 0) {
                run->input += n;
                run->input_left -= (size_t) n;
        }
        /* A callout does not have to read its input. */
        if (run->input_left == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                stop_stream(run, IN);
}

/* Of standard error the end is kept, because the reason is there. */
static void forget_beginning(struct run *run, int i, size_t size) {
        run->size[i] -= size;
        memmove(run->text[i], run->text[i] + size, run->size[i]);
}

/* Returns whether there may be more. */
static bool drain(struct run *run, int i) {
        char buffer[16 * 1024];
        size_t room = CALLOUT_OUTPUT_SIZE_MAX - run->size[i];
        ssize_t n;
        char *text;

        n = read(run->fds[i], buffer, sizeof(buffer));
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return false;
        if (n <= 0) {
                stop_stream(run, i);
                return false;
        }

        if ((size_t) n > room && i == ERR) {
                forget_beginning(run, i, (size_t) n - room);
                room = (size_t) n;
        }
        if ((size_t) n < room)
                room = (size_t) n;
        text = realloc(run->text[i], run->size[i] + room + 1);
        if (!text) {
                run->lost = true;
                return true;
        }
        memcpy(text + run->size[i], buffer, room);
        run->text[i] = text;
        run->size[i] += room;
        text[run->size[i]] = '\0';
        return true;
}

/* Serves the pipes until the process has ended, or until the time @end. Returns whether it has ended. */
static bool attend(struct run *run, uint64_t end) {
        for (;;) {
                struct pollfd pollfds[_STREAM_MAX + 1];
                uint64_t t = now_usec();
                struct timespec ts;

                if (t >= end)
                        return false;
                for (int i = 0; i < _STREAM_MAX; i++)
                        pollfds[i] = (struct pollfd) { .fd = run->fds[i], .events = i == IN ? POLLOUT : POLLIN };
                pollfds[_STREAM_MAX] = (struct pollfd) { .fd = run->pidfd, .events = POLLIN };

                ts = (struct timespec) {
                        .tv_sec = (time_t) ((end - t) / USEC_PER_SEC),
                        .tv_nsec = (long) ((end - t) % USEC_PER_SEC * NSEC_PER_USEC),
                };
                if (ppoll(pollfds, ELEMENTSOF(pollfds), &ts, NULL) < 0 && errno != EINTR)
                        return false;

                if (run->fds[IN] >= 0 && pollfds[IN].revents)
                        feed(run);
                for (int i = OUT; i < _STREAM_MAX; i++)
                        if (run->fds[i] >= 0 && pollfds[i].revents)
                                (void) drain(run, i);
                if (pollfds[_STREAM_MAX].revents)
                        return true;
        }
}

static void take_outputs(struct run *run, struct callout_output *ret) {
        /* Everything that the process has written is in the pipes now. A child that it has left behind may keep the
         * pipes open and write for ever, so the number of reads is limited. */
        for (int i = OUT; i < _STREAM_MAX; i++)
                for (int n = 0; n < PIPE_READS_MAX && run->fds[i] >= 0 && drain(run, i); n++)
                        ;
        ret->out = TAKE_PTR(run->text[OUT]);
        ret->err = TAKE_PTR(run->text[ERR]);
        ret->lost = run->lost;
}

int callout_run(char *const argv[], char *const environment[], const char *input, uint64_t timeout_usec,
                struct callout_output *ret) {
        _cleanup_(run_clear) struct run run = {
                .pidfd = -1,
                .fds = { -1, -1, -1 },
                .input = input,
                .input_left = strlen(input),
        };
        int theirs[_STREAM_MAX] = { -1, -1, -1 }, status, r;

        r = make_pipes(run.fds, theirs);
        if (r >= 0)
                r = spawn(argv, environment, theirs, &run.pid);
        for (int i = 0; i < _STREAM_MAX; i++)
                closep(&theirs[i]);
        if (r < 0)
                return r;

        run.pidfd = (int) syscall(SYS_pidfd_open, run.pid, 0);
        *ret = (struct callout_output) { .status = -1 };
        ret->timed_out = run.pidfd < 0 || !attend(&run, now_usec() + timeout_usec);
        if (ret->timed_out) {
                (void) kill(-run.pid, SIGKILL);
                (void) attend(&run, now_usec() + KILL_USEC);
        }

        if (waitpid(run.pid, &status, ret->timed_out ? WNOHANG : 0) == run.pid && WIFEXITED(status) && !ret->timed_out)
                ret->status = WEXITSTATUS(status);
        take_outputs(&run, ret);
        return 0;
}
