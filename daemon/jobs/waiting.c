/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of jobs that wait outside their queues. */

#include "daemon/jobs/waiting.h"

#include <assert.h>
#include <utlist.h>

#include "daemon/jobs/parent-lock.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/queue.h"
#include "daemon/registry/parent.h"

static void cancel(struct job *job, const char *why) {
        failure_clear(&job->failure);
        failure_set(&job->failure, FAILURE_JOB_CANCELED,
                    "The start of device %s, which waited, ended because the device was %s", job->uuid, why);
        job_finish(job, JOB_CANCELED);
}

/* Returns what the job @by does to the device, if @job shall not wait after that and the caller of @by may end it. Or
 * NULL. */
static const char *is_ended_by(const struct job *job, const struct job *by) {
        bool may = grants_cover(by->caller.grants, by->type->action, job->parent, job->mdev_type);

        return may ? by->type->ends_waiting : NULL;
}

/* Such a job may have been submitted while a worker tried this one. */
static const char *is_ended_by_next(const struct job *job) {
        const char *why = NULL;

        for (const struct job *next = job->next; next && !why; next = next->next)
                why = is_ended_by(job, next);
        return why;
}

static void join(struct job *job) {
        assert(!job->queue);
        DL_APPEND(job->jobs->waiting, job);
}

void waiting_begin(struct job *job) {
        struct parent *parent = parent_find(job->jobs->registry, job->parent);
        const char *why = is_ended_by_next(job);

        if (why)
                return cancel(job, why);
        failure_clear(&job->failure);
        if (job->wait == JOB_WAIT_CANCELED)
                return job_end_waiting(job);

        parent_lock_release(job);
        queue_remove(job);
        join(job);
        job->wait = JOB_WAIT_BEGUN;
        job_set_state(job, JOB_PARKED_OUTSIDE);
        if (parent)
                parent_read_again_later(parent);
}

void waiting_leave(struct job *job) {
        assert(!job->queue);
        DL_DELETE(job->jobs->waiting, job);
}

void waiting_wake(struct jobs *jobs, const char *parent) {
        struct job *job, *next;

        DL_FOREACH_SAFE(jobs->waiting, job, next) {
                if (!streq(job->parent, parent))
                        continue;
                waiting_leave(job);
                if (queue_enter(job) >= 0)
                        continue;
                join(job);
                job_fail_memory(job);
        }
}

void waiting_cancel(const struct job *by) {
        struct job *job, *next;

        DL_FOREACH_SAFE(by->jobs->waiting, job, next) {
                const char *why = streq(job->uuid, by->uuid) ? is_ended_by(job, by) : NULL;

                if (why)
                        cancel(job, why);
        }
}

struct job *waiting_find(const struct jobs *jobs, const char *uuid) {
        struct job *job;

        DL_FOREACH(jobs->waiting, job)
                if (streq(job->uuid, uuid))
                        return job;
        return NULL;
}
