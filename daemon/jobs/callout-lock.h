/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Jobs of one parent come one after the other, if a callout is responsible for that parent.
 *
 * Such a callout often has one state for the whole parent, for example the adapters of a crypto matrix, and keeps it
 * locked from `pre` to `post`. Workers that wait for that lock would keep other jobs from having a worker. Therefore
 * the daemon has a lock for each such parent. A job takes it when its turn in its queue has come, and has one at most,
 * so jobs cannot wait for each other in a circle. */

#include <stdbool.h>

struct job;
struct jobs;

/** callout_lock_acquire() - take the lock of the job's parent, if there is one. Returns whether the job may have a
 * worker now. If not, it waits for the lock, and its queue is kicked when it has it. */
bool callout_lock_acquire(struct job *job);

/** callout_lock_release() - neither own a lock nor wait for one. The next job gets it. Harmless without a lock. */
void callout_lock_release(struct job *job);

/** callout_lock_set_in_callouts() - callouts of the owner begin or end. Their time does not count for the deadlines of
 * those that wait, and the time that the owner's driver needs does. Harmless for a job that owns no lock. */
void callout_lock_set_in_callouts(struct job *job, bool in_callouts);

/** callout_lock_add() - a callout is responsible for that parent. Without memory, the next job of it finds that out. */
void callout_lock_add(struct jobs *jobs, const char *parent);

/** callout_lock_free_all() - free all locks. No job may own one. */
void callout_lock_free_all(struct jobs *jobs);
