/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Jobs that wait outside the queue of their UUID, until their parent, their type or an instance may be there. They
 * block no other job. When something has come that they may have waited for, they go to the end of their queue, and try
 * again. */

struct job;
struct jobs;

/** waiting_begin() - take the head of a queue out of it, to wait. If it was canceled, or if the device was stopped or
 * undefined meanwhile, it ends instead. */
void waiting_begin(struct job *job);

/** waiting_leave() - take a job off the list, for its end or for its queue. */
void waiting_leave(struct job *job);

/** waiting_wake() - a parent has come, or its types were read: jobs of that parent try again. */
void waiting_wake(struct jobs *jobs, const char *parent);

/** waiting_cancel() - the job @by stops or undefines the device. No start of it goes on to wait, as far as the caller
 * of @by may end it. */
void waiting_cancel(const struct job *by);

/** waiting_find() - a job that waits for a device of that UUID, or NULL. */
struct job *waiting_find(const struct jobs *jobs, const char *uuid);
