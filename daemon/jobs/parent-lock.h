/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Jobs of some parents come one after the other.
 *
 * A callout that is responsible for a parent often has one state for the whole parent, for example the adapters of a
 * crypto matrix, and keeps it locked from `pre` to `post`. Workers that wait for that lock would keep other jobs from
 * having a worker. And a parent may hold one device only, for which two UUIDs can compete, while the driver takes no
 * lock over what it checks and what it sets. Therefore the daemon has a lock for each such parent. A job takes it when
 * its turn in its queue has come, and has one at most, so jobs cannot wait for each other in a circle. */

#include <stdbool.h>

struct job;
struct jobs;

/** parent_lock_acquire() - take the lock of the job's parent, if the job's task needs one. Returns 1 when the job may
 * have a worker now, or -ENOMEM. 0: it waits for the lock, and its queue is kicked when it has it. */
int parent_lock_acquire(struct job *job);

/** parent_lock_release() - neither own a lock nor wait for one. The next job gets it. Harmless without a lock. */
void parent_lock_release(struct job *job);

/** parent_lock_set_in_callouts() - callouts of the owner begin or end. Their time does not count for the deadlines of
 * those that wait, and the time that the owner's driver needs does. Harmless for a job that owns no lock. */
void parent_lock_set_in_callouts(struct job *job, bool in_callouts);

/** parent_lock_serves() - a callout is responsible for that parent. Without memory, the next job of it finds that
 * out. */
void parent_lock_serves(struct jobs *jobs, const char *parent);

/** parent_lock_free_all() - free all locks. No job may own one. */
void parent_lock_free_all(struct jobs *jobs);
