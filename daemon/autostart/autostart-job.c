/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Submitting the jobs, recording that they were tried, and reporting how they end. */

#include "daemon/autostart/autostart-job.h"

#include <assert.h>

#include "common/fault-point.h"
#include "daemon/autostart/tried.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"

/* This is after the intent was written, and before the create. If the daemon crashes in between, the next one finds the
 * intent, and tries the start again. */
static int before_work(struct job *job, void *userdata) {
        int r;

        assert(job->type->creates && job->parent);
        r = tried_add(job->parent, job->uuid);
        FAULT_POINT("registration-noted");
        return r;
}

static void on_end(struct job *job, enum job_result result, void *userdata) {
        assert(userdata == job->ops_userdata);
        autostart_ended(userdata, job->parent, job->uuid, &(struct autostart_end) {
                .is_done = result == JOB_DONE,
                .job = job->id,
                .type = job->mdev_type,
                .failure = &job->failure,
        });
}

static const struct job_ops job_ops = { .before_work = before_work, .on_end = on_end };

static int submit(struct autostart *autostart, const char *parent, const char *uuid, void *userdata) {
        _cleanup_(job_unrefp) struct job *job = NULL;
        int r;

        r = job_new_start(&job, userdata, uuid, parent);
        if (r < 0)
                return r;
        r = job_set_timeout(job, JOB_TIMEOUT_USEC_DEFAULT);
        if (r < 0)
                return r;
        job->ops = &job_ops;
        job->ops_userdata = autostart;
        return job_submit(job);
}

static bool has_requests(const char *parent, void *userdata) {
        return jobs_have_create(userdata, parent);
}

const struct autostart_hooks autostart_job_hooks = { .start = submit, .has_requests = has_requests };
