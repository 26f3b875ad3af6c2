/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All jobs: how they are found, and how they end with the daemon. */

#include "daemon/jobs/jobs.h"

#include <assert.h>
#include <errno.h>

#include "daemon/jobs/parent-lock.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/queue.h"
#include "daemon/jobs/settle.h"

int jobs_new(struct jobs **ret, sd_event *event, struct exports *exports, struct pool *pool, struct registry *registry,
             struct store *store, void (*on_idle)(void *userdata), void *userdata) {
        _cleanup_(jobs_freep) struct jobs *jobs = NULL;
        int r;

        jobs = calloc(1, sizeof(*jobs));
        if (!jobs)
                return -ENOMEM;
        *jobs = (struct jobs) {
                .event = event,
                .exports = exports,
                .pool = pool,
                .registry = registry,
                .store = store,
                .on_idle = on_idle,
                .userdata = userdata,
                .store_clean.pool = pool,
                .callout_timeout = CALLOUT_TIMEOUT_DEFAULT * USEC_PER_SEC,
        };
        r = queues_init(jobs);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(jobs);
        return 0;
}

struct jobs *jobs_free(struct jobs *jobs) {
        struct job *job, *next;

        if (!jobs)
                return NULL;

        HASH_ITER(hh, jobs->by_id, job, next)
                job_drop(job);
        assert(!jobs->queues && !jobs->waiting);
        while (jobs->settles)
                settle_free(jobs->settles);
        parent_lock_free_all(jobs);
        sd_event_source_disable_unref(jobs->kick_source);
        free(jobs);
        return NULL;
}

struct job *jobs_find(const struct jobs *jobs, uint64_t id) {
        struct job *job;

        HASH_FIND(hh, jobs->by_id, &id, sizeof(id), job);
        return job;
}

unsigned int jobs_count(const struct jobs *jobs) {
        return HASH_COUNT(jobs->by_id);
}

bool jobs_have_create(const struct jobs *jobs, const char *parent) {
        const struct job *job, *next;

        HASH_ITER(hh, jobs->by_id, job, next)
                if (job->caller.message && job->state != JOB_PARKED_OUTSIDE && job->type->creates && job->parent &&
                    streq(job->parent, parent))
                        return true;
        return false;
}

void jobs_drain(struct jobs *jobs) {
        struct job *job, *next;

        jobs->draining = true;
        HASH_ITER(hh, jobs->by_id, job, next) {
                if (job_has_begun(job))
                        continue;
                failure_set(&job->failure, FAILURE_SHUTTING_DOWN,
                            "Device %s: mediated is stopping, so its %s did not begin; try again later",
                            job->uuid, job->type->name);
                job_finish(job, JOB_CANCELED);
        }
        settle_finish_all(jobs);
}

void jobs_answer(struct jobs *jobs) {
        struct job *job, *next;

        HASH_ITER(hh, jobs->by_id, job, next) {
                failure_set(&job->failure, FAILURE_SHUTTING_DOWN,
                            "Device %s: mediated is stopping and no longer waits for the driver; its next start "
                            "cleans up after the %s", job->uuid, job->type->name);
                job_answer_failure(job);
        }
}
