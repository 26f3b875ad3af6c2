/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lock of each parent whose jobs come one after the other. */

#include "daemon/jobs/parent-lock.h"

#include <assert.h>
#include <errno.h>
#include <uthash.h>
#include <utlist.h>

#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/queue.h"
#include "daemon/registry/backend.h"
#include "daemon/registry/parent.h"

struct parent_lock {
        char *parent;
        struct job *owner;              /* the only job of the parent that may have a worker, or NULL */
        bool serves;                    /* whether a callout is responsible for the parent */
        bool in_callouts;               /* whether callouts of the owner run */
        struct job *waiting;            /* the jobs that wait, with the next owner first */
        UT_hash_handle hh;              /* by parent */
};

static struct parent_lock *find(const struct jobs *jobs, const char *parent) {
        struct parent_lock *lock;

        HASH_FIND_STR(jobs->parent_locks, parent, lock);
        return lock;
}

static void lock_free(struct parent_lock *lock) {
        assert(!lock->owner && !lock->waiting);

        free(lock->parent);
        free(lock);
}

/* Returns NULL without memory. */
static struct parent_lock *get(struct jobs *jobs, const char *parent) {
        struct parent_lock *lock = find(jobs, parent);

        if (lock)
                return lock;
        lock = calloc(1, sizeof(*lock));
        if (!lock)
                return NULL;
        lock->parent = strdup(parent);
        if (lock->parent)
                HASH_ADD_KEYPTR(hh, jobs->parent_locks, lock->parent, strlen(lock->parent), lock);
        if (lock->hh.tbl)
                return lock;
        lock_free(lock);
        return NULL;
}

/* The parent has room for one device, and the task makes it or removes it. */
static bool is_exclusive(const struct job *job) {
        const struct parent *parent = parent_find(job->jobs->registry, job->parent);

        return parent && parent->backend->has_one_device && task_changes_device(&job->work.task);
}

static void stop_waiting(struct job *job) {
        DL_DELETE2(job->parent_lock->waiting, job, lock_prev, lock_next);
        job->lock_prev = NULL;
        job_resume_deadline(job);
}

static void start_waiting(struct parent_lock *lock, struct job *job) {
        if (job->lock_prev)
                return;
        DL_APPEND2(lock->waiting, job, lock_prev, lock_next);
        job->parent_lock = lock;
        if (lock->in_callouts)
                job_pause_deadline(job);
}

int parent_lock_acquire(struct job *job) {
        struct parent_lock *lock = job->parent ? find(job->jobs, job->parent) : NULL;
        bool needs = job->parent && ((lock && lock->serves) || is_exclusive(job));

        assert(job->queue);

        if (job->parent_lock && (!needs || job->parent_lock != lock || lock->owner != job))
                parent_lock_release(job);
        if (!needs)
                return 1;
        lock = get(job->jobs, job->parent);
        if (!lock)
                return -ENOMEM;
        if (lock->owner == job)
                return 1;
        /* A callout of the owner waits for this job, which is a part of what the owner does. */
        if (lock->owner && lock->owner->id == job->caller.callout_of)
                return 1;
        if (lock->owner) {
                start_waiting(lock, job);
                return 0;
        }

        lock->owner = job;
        lock->in_callouts = false;
        job->parent_lock = lock;
        return 1;
}

static void pass_on(struct parent_lock *lock) {
        lock->owner = lock->waiting;
        if (lock->owner) {
                stop_waiting(lock->owner);
                queue_kick(lock->owner->jobs, lock->owner->uuid);
        }
}

void parent_lock_release(struct job *job) {
        struct parent_lock *lock = job->parent_lock;

        if (!lock)
                return;
        if (job->lock_prev)
                stop_waiting(job);
        if (lock->owner == job) {
                parent_lock_set_in_callouts(job, false);
                pass_on(lock);
        }
        job->parent_lock = NULL;
}

void parent_lock_set_in_callouts(struct job *job, bool in_callouts) {
        struct parent_lock *lock = job->parent_lock;
        struct job *waiting;

        if (!lock || lock->owner != job || lock->in_callouts == in_callouts)
                return;

        lock->in_callouts = in_callouts;
        DL_FOREACH2(lock->waiting, waiting, lock_next)
                if (in_callouts)
                        job_pause_deadline(waiting);
                else
                        job_resume_deadline(waiting);
}

void parent_lock_serves(struct jobs *jobs, const char *parent) {
        struct parent_lock *lock = get(jobs, parent);

        if (lock)
                lock->serves = true;
}

void parent_lock_free_all(struct jobs *jobs) {
        struct parent_lock *lock, *next;

        HASH_ITER(hh, jobs->parent_locks, lock, next) {
                HASH_DEL(jobs->parent_locks, lock);
                lock_free(lock);
        }
}
