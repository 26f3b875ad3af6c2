/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The workers: how many there are, and which work comes next.
 *
 * The daemon never blocks. daemon/workers/ has other processes do what can block. A struct work is a task on its way:
 * its owner embeds the struct and submits it to the pool, and work->on_report() is called once when the task has ended.
 * The pool owns the workers (worker.h), and each of them has one task at a time. The folder does not know what the
 * tasks are about.
 *
 * Workers are processes and not threads, because a driver may sleep in the kernel where no signal reaches it. A process
 * in that state can be left behind, even when the daemon ends. An idle worker is used again, the one that was used last
 * first, and a few of them are kept.
 *
 * Work that has a share (of a connection or a user, see peer.h) waits for its turn: the first waiting works of all
 * shares have the same turn, their second ones the next. Work of the same turn is done in the order in which it was
 * submitted. Work in the background is done when no other work waits.
 *
 * A worker that is lost, because it crashed or was killed, counts as a report of nothing. Then it is not known whether
 * the task was done, and its owner looks at the kernel. Only where the worker had not even read its task, another
 * worker gets it. */

#include <systemd/sd-event.h>

#include "daemon/workers/worker.h"

/* How many tasks are done at the same time. Stuck workers do not count, so that a driver that never returns takes no
 * place from others. */
#define POOL_BUSY_MAX 64

/* How many of them are in the background. A driver that hangs may have very many parents. */
#define POOL_BACKGROUND_MAX 32

/* How long a worker has had its task when it counts as stuck. */
#define POOL_STUCK_USEC (5 * USEC_PER_SEC)

/* How many processes there are, stuck ones included: a bound on what broken drivers can cost the host. */
#define POOL_WORKERS_MAX 512

/* How many idle workers are kept. */
#define POOL_IDLE_MAX 4

struct pool *pool_free(struct pool *pool);
DEFINE_CLEANUP_FUNC(struct pool *, pool_free)

/** pool_new() - no worker is started before there is work. @spawn: worker_spawn(), or what a test has instead.
 * @program: the worker's path. Returns 0 or a negative errno. */
int pool_new(struct pool **ret, sd_event *event, worker_spawn_t spawn, const char *program);

/** pool_submit() - have the work done when its turn comes. work->on_report() is called when it has ended, and not
 * before this function returns. */
void pool_submit(struct pool *pool, struct work *work);

/** pool_submit_first() - the same before all other work, for work whose worker died before it began. */
void pool_submit_first(struct pool *pool, struct work *work);

/** pool_read_again() - for a worker that has found no memory to read a report: it shall try again in a while. */
void pool_read_again(struct pool *pool);

/** pool_withdraw() - take work back that still waits for a worker. Returns false if it does not wait. */
bool pool_withdraw(struct pool *pool, struct work *work);

/** pool_move() - for a worker: its state is another one now. */
void pool_move(struct pool *pool, struct worker *worker, enum worker_state state);

/** pool_remove() - for a worker that is about to be freed. */
void pool_remove(struct pool *pool, struct worker *worker);
