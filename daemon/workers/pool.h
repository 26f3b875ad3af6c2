/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The workers: how many there are, and which work comes next. */

#include <systemd/sd-event.h>

#include "daemon/workers/worker.h"

/* Work in parallel. Stuck workers do not count, so that a driver that never returns takes no place from others. */
#define POOL_BUSY_MAX 64

/* A worker that has been at one piece of work for so long counts as stuck. */
#define POOL_STUCK_USEC (5 * USEC_PER_SEC)

/* All processes, stuck ones included: a bound on what broken drivers can cost the host. */
#define POOL_WORKERS_MAX 512

/* Idle ones that are kept. */
#define POOL_IDLE_MAX 4

struct pool *pool_free(struct pool *pool);
DEFINE_CLEANUP_FUNC(struct pool *, pool_free)

/** pool_new() - no worker is started before there is work. @spawn: worker_spawn(), or what a test has instead.
 * @program: the worker's path. Returns 0 or a negative errno. */
int pool_new(struct pool **ret, sd_event *event, worker_spawn_t spawn, const char *program);

/** pool_submit() - do the work when a worker is free: each work->share in its turn, first come, first served in each,
 * and those for which nobody waits last. The outcome is always told by work->on_report(), never before this returns. */
void pool_submit(struct pool *pool, struct work *work);

/** pool_submit_first() - the same before all others, for work whose worker died before it had begun. */
void pool_submit_first(struct pool *pool, struct work *work);

/** pool_read_again() - after a while read from the workers that are starved. */
void pool_read_again(struct pool *pool);

/** pool_withdraw() - take back work that still waits for a worker. Returns whether it did. */
bool pool_withdraw(struct pool *pool, struct work *work);

/** pool_move() - called by a worker whose state has changed. */
void pool_move(struct pool *pool, struct worker *worker, enum worker_state state);

/** pool_remove() - called by a worker that is reaped and about to be freed. */
void pool_remove(struct pool *pool, struct worker *worker);
