/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The queues: which jobs conflict with each other, and which one is next.
 *
 * The kernel reserves a UUID before its device is complete, and gives it back only after the device is gone. Whoever
 * acts on that UUID in between gets EAGAIN, or leaves a device that nobody can ever remove. Here the reservation is
 * made one level higher: there is one queue for each UUID with jobs, in the order in which they were submitted. Only
 * the head of a queue is started, and it stays the head until it has ended. So a stop that is asked for during a create
 * just comes after it. This is the only rule about conflicts.
 *
 * No head waits for another UUID, so the queues cannot block each other. Two kinds of waiting are outside the rule: a
 * start whose parent is not there yet leaves its queue (waiting.h), and jobs of one parent may be locked out by each
 * other's callouts (parent-lock.h).
 *
 * A queue exists while it has jobs. Its head is kicked when it may have something to do: when it has become the head,
 * and when something has changed that it may wait for. A kicked head is started by the event loop, and never from
 * within what another job or the registry is doing. Therefore nothing that a function holds vanishes while it calls
 * another one. */

#include "common/macro.h"

struct job;
struct jobs;

/** queues_init() - prepare jobs->kick_source. Returns 0 or a negative errno. */
int queues_init(struct jobs *jobs);

/** queue_enter() - put a job that is in no queue at the end of the queue of its UUID. Returns 0 or -ENOMEM. */
int queue_enter(struct job *job);

/** queue_remove() - take a job out of its queue, and kick the next one if it was the head. */
void queue_remove(struct job *job);

/** queue_kick() - start the head of that UUID's queue soon, if it waits for something to change. */
void queue_kick(struct jobs *jobs, const char *uuid);

/** queue_head() - the head of that UUID's queue, or NULL. */
struct job *queue_head(const struct jobs *jobs, const char *uuid);
