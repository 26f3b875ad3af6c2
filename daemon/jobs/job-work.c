/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job at a worker: from its task to the worker's report. */

#include <assert.h>

#include "daemon/jobs/parent-lock.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/registry/parent.h"
#include "daemon/workers/pool.h"

/* The pool has a reference until it calls on_report(), or until the work is withdrawn. */
static void submit(struct job *job, enum job_state state) {
        job_set_state(job, state);
        pool_submit(job->jobs->pool, &job_ref(job)->work);
}

/* Callouts that were told of the beginning must be told of the end, by another worker. A create is undone by one that
 * does so. */
static bool tell_of_interruption(struct job *job) {
        if (job->state != JOB_RUNNING_CALLOUTS || job->work.task.interrupted || !job->type->tells_interruption ||
            job->work.task.kind != job->type->task)
                return false;

        job->work.task.interrupted = true;
        submit(job, JOB_BETWEEN_WORKERS);
        return true;
}

static void on_report(struct work *work, struct report *report) {
        _cleanup_(job_unrefp) struct job *job = work->userdata;

        if (task_changes_device(&work->task))
                parent_end_change(job->jobs->registry, job->parent, report);

        if (report && report->served)
                parent_lock_serves(job->jobs, job->parent);
        if (!report && tell_of_interruption(job))
                return;

        parent_lock_release(job);
        job_resume_deadline(job);
        if (work->task.interrupted)
                report = NULL;
        job->type->on_report(job, report);
}

static void on_callout(struct work *work, bool begins) {
        struct job *job = work->userdata;

        job_set_state(job, JOB_RUNNING_CALLOUTS);
        parent_lock_set_in_callouts(job, begins);
        if (begins)
                job_pause_deadline(job);
        else
                job_resume_deadline(job);
}

static int on_assigned(struct work *work) {
        struct job *job = work->userdata;

        job_set_state(job, JOB_RUNNING);
        if (task_changes_device(&work->task))
                parent_begin_change(job->jobs->registry, job->parent, work->task.kind == TASK_STOP);
        return job->type->on_assigned ? job->type->on_assigned(job) : 0;
}

void job_work(struct job *job, const struct task *task) {
        struct work *work = &job->work;
        int r;

        assert(!work->queued && !work->worker);

        work->task = *task;
        work->task.uuid = job->uuid;
        work->task.parent = job->parent;
        work->task.type = job->mdev_type;
        work->task.job = job->id;
        work->task.force = job->caller.force;
        work->task.callout_timeout = job->jobs->callout_timeout;
        work->task.wait = job_time_left(job);
        work->userdata = job;
        work->on_assigned = on_assigned;
        work->on_callout = on_callout;
        work->on_report = on_report;

        r = parent_lock_acquire(job);
        if (r < 0)
                job_fail_memory(job);
        else if (r > 0)
                submit(job, job_is_running(job) ? JOB_BETWEEN_WORKERS : JOB_READY);
        else
                job_set_state(job, JOB_LOCKED_OUT);
}
