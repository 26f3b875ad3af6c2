/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The conflict rule: one FIFO of jobs a UUID, its head runs, no head waits for another UUID. */

#include <systemd/sd-event.h>

#include "common/failure.h"

struct job;
struct jobs;
struct queue;

/** queue_init() - prepare jobs->kick_source. Returns 0 or a negative errno. */
int queue_init(struct jobs *jobs);

/** queue_enter() - put a job at the end of its UUID's queue, from where the event loop starts it. Returns 0 or a
 * negative errno. */
int queue_enter(struct job *job);

/** queue_remove() - take a job out; the next one starts in the event loop. */
void queue_remove(struct job *job);

/** queue_kick() - something about the UUID has changed that a parked head may wait for. */
void queue_kick(struct jobs *jobs, const char *uuid);

/** queue_head() - the first job. */
struct job *queue_head(struct queue *queue);

/** queue_peek() - the first job of a UUID, or NULL. */
struct job *queue_peek(struct jobs *jobs, const char *uuid);
