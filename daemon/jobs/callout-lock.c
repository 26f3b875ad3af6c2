/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One lock a parent that callouts serve. */

#include "daemon/jobs/callout-lock.h"

#include <uthash.h>

#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/queue.h"

struct callout_lock {
        char *parent;
        struct job *owner;
        bool in_callouts;       /* the owner's; its time counts for nobody */
        struct job **waiting;   /* in the order of their coming */
        size_t n_waiting;
        UT_hash_handle hh;
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

        if (job->callout_lock && (job->callout_lock != lock || lock->owner != job))
                callout_lock_release(job);
        if (!lock || lock->owner == job)
                return true;
        /* The owner's callout waits for this job: it is a part of what the owner does. */
        if (lock->owner && lock->owner->id == job->caller.callout_of)
                return true;
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
                callout_lock_note_callouts(job, false);
                pass_on(lock);
        }
        job->callout_lock = NULL;
}

void callout_lock_note_callouts(struct job *job, bool begin) {
        struct callout_lock *lock = job->callout_lock;

        if (!lock || lock->owner != job || lock->in_callouts == begin)
                return;

        lock->in_callouts = begin;
        for (size_t i = 0; i < lock->n_waiting; i++)
                if (begin)
                        job_pause_deadline(lock->waiting[i]);
                else
                        job_resume_deadline(lock->waiting[i]);
}

void callout_lock_note(struct jobs *jobs, const char *parent) {
        struct callout_lock *lock;

        HASH_FIND_STR(jobs->callout_locks, parent, lock);
        if (lock)
                return;

        lock = calloc(1, sizeof(*lock));
        if (!lock)
                return;
        lock->parent = strdup(parent);
        if (!lock->parent) {
                free(lock);
                return;
        }
        HASH_ADD_KEYPTR(hh, jobs->callout_locks, lock->parent, strlen(lock->parent), lock);
        if (lock->hh.tbl)
                return;
        free(lock->parent);
        free(lock);
}

void callout_lock_free_all(struct jobs *jobs) {
        struct callout_lock *lock, *next;

        HASH_ITER(hh, jobs->callout_locks, lock, next) {
                HASH_DEL(jobs->callout_locks, lock);
                free(lock->waiting);
                free(lock->parent);
                free(lock);
        }
}
