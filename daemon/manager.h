/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The life of the daemon: start, drain, end. */

#include "common/macro.h"

/* How long running jobs may go on when the daemon is asked to stop. */
#define MANAGER_DRAIN_USEC (8 * USEC_PER_SEC)

/* And how long the bus may take to take the last answers. */
#define MANAGER_FLUSH_USEC (1 * USEC_PER_SEC)

struct manager;

struct manager *manager_free(struct manager *manager);
DEFINE_CLEANUP_FUNC(struct manager *, manager_free)

/** manager_new() - connect to the bus, start the monitor and the first worker. Returns 0 or a negative errno. */
int manager_new(struct manager **ret);

/** manager_adopt() - look at the kernel and the store, note every `auto` definition of a registered parent as started
 * already, and be done: for a host whose devices somebody else has managed until now. Returns 0 or a negative errno. */
int manager_adopt(struct manager *manager);

/** manager_run() - look at the kernel, take the bus name, and serve until asked to stop. Returns 0 or a negative
 * errno. */
int manager_run(struct manager *manager);
