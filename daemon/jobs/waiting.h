/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Jobs that wait outside the queue of their UUID for their parent, their type or a free instance: they block nobody.
 * Whatever may have brought that puts them at the end of their queue again. */

struct job;
struct jobs;

/** waiting_begin() - the head of a queue leaves it, and waits. It ends as canceled instead if that is wished. */
void waiting_begin(struct job *job);

/** waiting_leave() - the job does not wait any more, and is in no queue. */
void waiting_leave(struct job *job);

/** waiting_wake() - something that a job may wait for has come to @parent. */
void waiting_wake(struct jobs *jobs, const char *parent);

/** waiting_cancel() - @by stops or undefines the device: nobody shall start it any more, as far as the caller of @by
 * may say so. */
void waiting_cancel(const struct job *by);

/** waiting_find() - one that waits for a device of that UUID, or NULL. */
struct job *waiting_find(const struct jobs *jobs, const char *uuid);
