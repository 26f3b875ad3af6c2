/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediated-worker: does for mediated whatever can block, one task after the other.
 *
 * A write to a driver's file may sleep in the kernel for minutes, and no signal reaches it. Only a process can be left
 * behind there: it has nothing of the daemon's, and the daemon goes on with another worker. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>

#include "common/fault-point.h"
#include "common/io.h"
#include "worker/callouts.h"
#include "worker/mdev.h"
#include "worker/vgpu.h"

const struct worker_backend *backend_of(const struct task *task) {
        return vgpu_exists(task->parent) ? &vgpu_worker_backend : &mdev_worker_backend;
}

static void run_read_types(const struct task *task, struct report *report) {
        backend_of(task)->list_types(task, report);
}

static void (*const tasks[_TASK_KIND_MAX])(const struct task *task, struct report *report) = {
        [TASK_CREATE] = run_create,
        [TASK_STOP] = run_stop,
        [TASK_RECOVER] = run_recover,
        [TASK_READ_TYPES] = run_read_types,
        [TASK_DEFINE] = run_define,
        [TASK_MODIFY] = run_modify,
        [TASK_UNDEFINE] = run_undefine,
        [TASK_LIVE] = run_live,
        [TASK_GET_ATTRIBUTES] = run_get_attributes,
        [TASK_GET_USERS] = run_get_users,
        [TASK_CLEAN_STORE] = run_clean_store,
};

static bool ends;

void end_after_task(void) {
        ends = true;
}

void wait_unless_orphaned(uint64_t usec) {
        struct pollfd pollfd = { .fd = WORKER_SOCKET_FD, .events = 0 };
        struct timespec ts = {
                .tv_sec = (time_t) (usec / USEC_PER_SEC),
                .tv_nsec = (long) (usec % USEC_PER_SEC * NSEC_PER_USEC),
        };

        if (ppoll(&pollfd, 1, &ts, NULL) > 0 && (pollfd.revents & POLLHUP))
                _exit(EXIT_SUCCESS);
}

void say_in_callout(bool begins) {
        struct report report = { .kind = begins ? REPORT_CALLOUT_BEGIN : REPORT_CALLOUT_END };

        (void) report_send(WORKER_SOCKET_FD, &report);
}

static int say_hello(void) {
        struct report hello = { .kind = REPORT_HELLO };
        int r;

        r = process_start_time(0, &hello.start_time);
        if (r < 0)
                return r;

        return report_send(WORKER_SOCKET_FD, &hello);
}

static void tell_holds(const struct task *task, struct report *report) {
        if (task_changes_device(task) && backend_of(task)->tell_holds)
                backend_of(task)->tell_holds(task, report);
}

static int serve_one(void) {
        _cleanup_json_ json_object *message = NULL;
        _cleanup_task_ struct task task = {};
        _cleanup_report_ struct report report = {};
        int r;

        r = message_receive(WORKER_SOCKET_FD, &message);
        if (r == -ECONNRESET)
                return 0;
        if (r <= 0)
                return r;
        r = task_parse(message, &task);
        if (r < 0)
                return r;

        assert(task.kind < _TASK_KIND_MAX && tasks[task.kind]);
        FAULT_POINT("task-received");
        report.kind = REPORT_DONE;
        tasks[task.kind](&task, &report);
        tell_holds(&task, &report);
        FAULT_POINT("task-done");
        r = report_send(WORKER_SOCKET_FD, &report);
        FAULT_POINT("task-reported");
        return r < 0 ? r : !ends;
}

/* The daemon's limit is high, because it has a file descriptor for each of hundreds of processes. Callouts may use
 * select(), which takes no fd from 1024 on, so they get the usual limit. */
static void limit_fds(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= FD_SETSIZE)
                return;
        limit.rlim_cur = FD_SETSIZE;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char *argv[]) {
        int r;

        if (fcntl(WORKER_SOCKET_FD, F_SETFD, FD_CLOEXEC) < 0) {
                fprintf(stderr, "mediated-worker is started by mediated, not by hand.\n");
                return EXIT_FAILURE;
        }

        /* The daemon decides when a worker ends: it closes the socket. A Ctrl-C on the daemon's terminal must not
         * interrupt a task. */
        signal(SIGINT, SIG_IGN);
        signal(SIGPIPE, SIG_IGN);

        /* A worker makes directories in the store, which everybody may read. The daemon's umask would not allow
         * that. */
        umask(0022);
        limit_fds();
        callouts_follow(mdevctl_version_find(FOLLOWED_MDEVCTL));

        r = say_hello();
        while (r >= 0) {
                r = serve_one();
                if (r == 0)
                        return EXIT_SUCCESS;
        }

        /* The daemon has died while we worked. This is normal, and nobody needs to know. */
        if (r != -EPIPE && r != -ECONNRESET)
                fprintf(stderr, "<3>mediated-worker: %s\n", strerror(-r));
        return EXIT_FAILURE;
}
