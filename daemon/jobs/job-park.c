/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job that waits at the head of its queue, and what wakes it. */

#include <assert.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "daemon/base/timer.h"
#include "daemon/jobs/parent-lock.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/queue.h"

static int on_wake(sd_event_source *source, uint64_t usec, void *userdata) {
        struct job *job = userdata;

        queue_kick(job->jobs, job->uuid);
        return 0;
}

static int on_exit_wake(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        timer_disarm(source);
        return on_wake(source, 0, userdata);
}

void job_park(struct job *job, uint64_t usec) {
        assert(!job->wake.timer && job->wake.n_exits == 0);

        parent_lock_release(job);
        job_set_state(job, JOB_PARKED);
        if (usec == USEC_INFINITY)
                return;
        if (timer_new(&job->wake.timer, job->jobs->event, "job-wake", PRIORITY_REQUESTS, TIMER_EXACT_USEC, on_wake,
                      job) >= 0)
                return timer_arm(job->wake.timer, usec);

        /* Being woken too early is better than never. */
        log_full(LOG_WARNING, 0, job_log_fields(job), "Failed to set a timer for job %" PRIu64 ", it does not wait",
                 job->id);
        queue_kick(job->jobs, job->uuid);
}

void job_wake_on_exit(struct job *job, pid_t pid) {
        sd_event_source *source;
        int fd;

        assert(job->state == JOB_PARKED && job->wake.n_exits < ELEMENTSOF(job->wake.exits));

        fd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (fd < 0)
                return;
        if (sd_event_add_io(job->jobs->event, &source, fd, EPOLLIN, on_exit_wake, job) < 0) {
                close(fd);
                return;
        }
        (void) sd_event_source_set_io_fd_own(source, true);
        job->wake.exits[job->wake.n_exits++] = source;
}

void job_unpark(struct job *job) {
        job->wake.timer = sd_event_source_disable_unref(job->wake.timer);
        while (job->wake.n_exits > 0)
                sd_event_source_disable_unref(job->wake.exits[--job->wake.n_exits]);
}
