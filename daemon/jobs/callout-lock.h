/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Jobs of one parent one after the other, where a callout has that parent for its own.
 *
 * Such a callout often has one state for the whole parent (the adapters of a crypto matrix, say) and locks it from
 * `pre` to `post`; workers that wait for that lock would wait in the way of others. The lock here is taken after the
 * UUID's turn, and a job has one at most, so there is no cycle. */

#include <stdbool.h>

struct job;
struct jobs;

/** callout_lock_acquire() - whether the job may be worked on now. If not, its queue is kicked when it may. */
bool callout_lock_acquire(struct job *job);

/** callout_lock_release() - its worker is back, it waits for something else, or it goes: let the next one in. Harmless
 * without the lock. */
void callout_lock_release(struct job *job);

/** callout_lock_note_callouts() - the owner's callouts begin or end: their time does not count for those that wait for
 * the lock; what its driver needs does. Harmless without the lock. */
void callout_lock_note_callouts(struct job *job, bool begin);

/** callout_lock_note() - a callout has served a job of this parent. */
void callout_lock_note(struct jobs *jobs, const char *parent);

/** callout_lock_free_all() - forget all. */
void callout_lock_free_all(struct jobs *jobs);
