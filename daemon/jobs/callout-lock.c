/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lock of each parent that a callout is responsible for. */

#include "daemon/jobs/callout-lock.h"

#include <assert.h>
#include <uthash.h>

#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/queue.h"

struct callout_lock {
        char *parent;
        struct job *owner;              /* the only job of the parent that may have a worker, or NULL */
        bool in_callouts;               /* whether callouts of the owner run */
        struct job **waiting;           /* the jobs that wait, with the next owner first */
        size_t n_waiting;
        UT_hash_handle hh;              /* by parent */
};

static struct callout_lock *lock_of(struct job *job) {
        struct callout_lock *lock = NULL;

        if (job->parent)
                HASH_FIND_STR(job->jobs->callout_locks, job->parent, lock);
        return lock;
}

static void stop_waiting(struct callout_lock *lock, struct job *job) {
        for (size_t i = 0; i < lock->n_waiting; i++)
                if (lock->waiting[i] == job) {
                        memmove(lock->waiting + i, lock->waiting + i + 1,
                                (lock->n_waiting - i - 1) * sizeof(struct job *));
                        lock->n_waiting--;
                        job_resume_deadline(job);
                        return;
                }
}

static bool start_waiting(struct callout_lock *lock, struct job *job) {
        struct job **waiting;

        waiting = reallocarray(lock->waiting, lock->n_waiting + 1, sizeof(struct job *));
        if (!waiting)
                return false;
        lock->waiting = waiting;
        waiting[lock->n_waiting++] = job;
        job->callout_lock = lock;
        if (lock->in_callouts)
                job_pause_deadline(job);
        return true;
}

bool callout_lock_acquire(struct job *job) {
        struct callout_lock *lock = lock_of(job);

        assert(job->queue);

        if (job->callout_lock && (job->callout_lock != lock || lock->owner != job))
                callout_lock_release(job);
        if (!lock || lock->owner == job)
                return true;
        /* A callout of the owner waits for this job, which is a part of what the owner does. */
        if (lock->owner && lock->owner->id == job->caller.callout_of)
                return true;
        /* Without memory it does not wait: the callout has a lock of its own. */
        if (lock->owner && start_waiting(lock, job))
                return false;

        lock->owner = job;
        lock->in_callouts = false;
        job->callout_lock = lock;
        return true;
}

static void pass_on(struct callout_lock *lock) {
        lock->owner = lock->n_waiting > 0 ? lock->waiting[0] : NULL;
        if (lock->owner) {
                stop_waiting(lock, lock->owner);
                queue_kick(lock->owner->jobs, lock->owner->uuid);
        }
}

void callout_lock_release(struct job *job) {
        struct callout_lock *lock = job->callout_lock;

        if (!lock)
                return;
        stop_waiting(lock, job);
        if (lock->owner == job) {
                callout_lock_set_in_callouts(job, false);
                pass_on(lock);
        }
        job->callout_lock = NULL;
}

void callout_lock_set_in_callouts(struct job *job, bool in_callouts) {
        struct callout_lock *lock = job->callout_lock;

        if (!lock || lock->owner != job || lock->in_callouts == in_callouts)
                return;

        lock->in_callouts = in_callouts;
        for (size_t i = 0; i < lock->n_waiting; i++)
                if (in_callouts)
                        job_pause_deadline(lock->waiting[i]);
                else
                        job_resume_deadline(lock->waiting[i]);
}

static void lock_free(struct callout_lock *lock) {
        assert(!lock->owner && lock->n_waiting == 0);

        free(lock->waiting);
        free(lock->parent);
        free(lock);
}

void callout_lock_add(struct jobs *jobs, const char *parent) {
        struct callout_lock *lock;

        HASH_FIND_STR(jobs->callout_locks, parent, lock);
        if (lock)
                return;

        lock = calloc(1, sizeof(*lock));
        if (!lock)
                return;
        lock->parent = strdup(parent);
        if (lock->parent)
                HASH_ADD_KEYPTR(hh, jobs->callout_locks, lock->parent, strlen(lock->parent), lock);
        if (!lock->hh.tbl)
                lock_free(lock);
}

void callout_lock_free_all(struct jobs *jobs) {
        struct callout_lock *lock, *next;

        HASH_ITER(hh, jobs->callout_locks, lock, next) {
                HASH_DEL(jobs->callout_locks, lock);
                lock_free(lock);
        }
}
