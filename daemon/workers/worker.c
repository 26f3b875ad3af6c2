/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The start and the end of a worker process, and what it says in between. */

#include "daemon/workers/worker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/fault-point.h"
#include "common/io.h"
#include "daemon/base/log.h"
#include "daemon/base/priorities.h"
#include "daemon/workers/pool.h"

extern char **environ;

void worker_retire(struct worker *worker) {
        assert(worker->state != WORKER_RETIRED && !worker->work);

        worker->io_source = sd_event_source_disable_unref(worker->io_source);
        closep(&worker->fd);
        worker->fd = -1;
        pool_move(worker->pool, worker, WORKER_RETIRED);
}

static void worker_lost(struct worker *worker) {
        struct work *work = worker->work;

        /* It leaves the pool before the owner of the work is told: that may submit the next work at once. */
        worker->work = NULL;
        worker_retire(worker);
        if (!work)
                return;

        work->worker = NULL;
        /* Nothing was begun, so that another worker can do it. */
        if (worker->unread)
                pool_submit_first(worker->pool, work);
        else
                work->on_report(work, NULL);
}

static void on_report(struct worker *worker, struct report *report) {
        struct work *work = worker->work;

        assert(!work || work->worker == worker);

        if (report->kind == REPORT_HELLO) {
                if (worker->state != WORKER_STARTING)
                        return;
                worker->start_time = report->start_time;
                pool_move(worker->pool, worker, WORKER_IDLE);
                return;
        }
        if (!work)
                return;
        if (report->kind == REPORT_CALLOUT_BEGIN || report->kind == REPORT_CALLOUT_END) {
                if (work->on_callout)
                        work->on_callout(work, report->kind == REPORT_CALLOUT_BEGIN);
                return;
        }

        FAULT_POINT("report-received");
        worker->work = NULL;
        work->worker = NULL;
        pool_move(worker->pool, worker, WORKER_IDLE);
        work->on_report(work, report);
}

static int take_report(struct worker *worker, struct report *ret) {
        int r;

        r = worker->message ? 1 : message_receive(worker->fd, &worker->message);
        if (r <= 0)
                return r;
        r = report_parse(worker->message, ret);
        if (r != -ENOMEM) {
                json_object_put(worker->message);
                worker->message = NULL;
        }
        return r < 0 ? r : 1;
}

/* Returns whether there was a report. */
static bool read_report(struct worker *worker) {
        _cleanup_report_ struct report report = {};
        int r;

        r = take_report(worker, &report);
        if (r == -EAGAIN)
                return false;
        if (r == -ENOMEM) {
                /* It works on, so that it is not lost. */
                worker->starved = true;
                (void) sd_event_source_set_enabled(worker->io_source, SD_EVENT_OFF);
                pool_read_again(worker->pool);
                return false;
        }
        if (r == 0 || r == -EPIPE || r == -ECONNRESET) {
                /* A process closes its socket a moment before it is dead. Until it is, it might still be inside the
                 * kernel, so that its end is awaited. */
                worker->unread |= r == -ECONNRESET;
                worker->io_source = sd_event_source_disable_unref(worker->io_source);
                return false;
        }
        if (r < 0) {
                log_warning_errno(r, "Worker %d sent an invalid message: %m", (int) worker->pid);
                worker_lost(worker);
                return false;
        }

        on_report(worker, &report);
        return true;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        (void) read_report(userdata);
        return 0;
}

void worker_read_again(struct worker *worker) {
        worker->starved = false;
        (void) sd_event_source_set_enabled(worker->io_source, SD_EVENT_ON);
        (void) read_report(worker);
}

void worker_ended(struct worker *worker) {
        while (worker->fd >= 0 && read_report(worker))
                ;
        if (worker->fd >= 0)
                worker_lost(worker);

        pool_remove(worker->pool, worker);
        worker_free(worker);
}

static int on_child(sd_event_source *source, const siginfo_t *si, void *userdata) {
        struct worker *worker = userdata;

        log_debug("Worker %d has ended, %s %d", (int) worker->pid, si->si_code == CLD_EXITED ? "status" : "signal",
                  si->si_status);
        worker_ended(worker);
        return 0;
}

/* The process has the default actions for signals, none of which is blocked, and nothing on its standard input. It
 * inherits the standard output and error, and its socket: all other fds of the daemon are O_CLOEXEC. */
static int start_process(const char *program, int socket_fd, pid_t *ret) {
        char *argv[] = { (char *) "mediated-worker", NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r;

        sigemptyset(&none);
        sigfillset(&all);
        posix_spawn_file_actions_init(&actions);
        r = posix_spawn_file_actions_adddup2(&actions, socket_fd, WORKER_SOCKET_FD);
        if (r == 0)
                r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

        if (r == 0)
                r = posix_spawn(ret, program, &actions, &attributes, argv, environ);

        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

int worker_new(struct pool *pool, sd_event *event, int fd, struct worker **ret) {
        _cleanup_(worker_freep) struct worker *worker = NULL;
        int r;

        assert(pool && fd >= 0);

        worker = calloc(1, sizeof(*worker));
        if (!worker) {
                close(fd);
                return -ENOMEM;
        }
        *worker = (struct worker) { .pool = pool, .fd = fd };

        r = sd_event_add_io(event, &worker->io_source, fd, EPOLLIN, on_io, worker);
        if (r >= 0)
                r = sd_event_source_set_priority(worker->io_source, PRIORITY_RESULTS);
        if (r >= 0)
                r = sd_event_source_set_description(worker->io_source, "report of a worker");
        if (r < 0)
                return r;

        *ret = TAKE_PTR(worker);
        return 0;
}

static int watch_child(struct worker *worker, sd_event *event) {
        int r;

        r = sd_event_add_child(event, &worker->child_source, worker->pid, WEXITED, on_child, worker);
        if (r >= 0)
                r = sd_event_source_set_priority(worker->child_source, PRIORITY_WORKER_ENDS);
        if (r >= 0)
                r = sd_event_source_set_description(worker->child_source, "end of a worker");
        return r;
}

int worker_spawn(struct pool *pool, sd_event *event, const char *program, struct worker **ret) {
        _cleanup_(worker_freep) struct worker *worker = NULL;
        _cleanup_close_ int theirs = -1;
        int fds[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        theirs = fds[1];
        r = worker_new(pool, event, fds[0], &worker);
        if (r < 0)
                return r;

        /* The worker's end does block. */
        if (fcntl(worker->fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        r = start_process(program, theirs, &worker->pid);
        if (r < 0)
                return r;
        r = watch_child(worker, event);
        if (r < 0) {
                /* Its end would not be noticed. It has done nothing yet in which it could be stuck. */
                (void) kill(worker->pid, SIGKILL);
                (void) waitpid(worker->pid, NULL, 0);
                return r;
        }

        *ret = TAKE_PTR(worker);
        return 0;
}

struct worker *worker_free(struct worker *worker) {
        if (!worker)
                return NULL;

        assert(!worker->prev);
        sd_event_source_disable_unref(worker->io_source);
        sd_event_source_disable_unref(worker->child_source);
        closep(&worker->fd);
        json_object_put(worker->message);
        free(worker);
        return NULL;
}

int worker_send(struct worker *worker) {
        int r;

        assert(worker->state == WORKER_BUSY && worker->work);

        r = task_send(worker->fd, &worker->work->task);
        FAULT_POINT("task-sent");
        return r;
}
