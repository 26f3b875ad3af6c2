/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon has, and its life: start, drain, end. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/macro.h"
#include "daemon/status.h"
#include "daemon/workers/worker.h"

struct authorizations;
struct autostart;
struct catch_up;
struct exports;
struct jobs;
struct monitor;
struct peers;
struct pool;
struct registry;
struct scheduler;
struct store;
struct types_query;

/* How long running jobs may go on when the daemon is asked to stop. */
#define MANAGER_DRAIN_USEC (8 * USEC_PER_SEC)

/* And how long the bus may take to take the last answers. */
#define MANAGER_FLUSH_USEC (1 * USEC_PER_SEC)

struct manager {
        sd_event *event;
        sd_bus *bus;
        struct autostart *autostart;
        struct exports *exports;
        struct jobs *jobs;
        struct monitor *monitor;
        struct peers *peers;
        struct pool *pool;
        struct registry *registry;
        struct scheduler *scheduler;
        struct store *store;
        void (*reload)(struct manager *manager);        /* looks at the kernel and the store again, for Reload */

        struct authorizations *authorizations;
        struct types_query *types_queries;
        struct catch_up *catch_up;
        bool draining;
        struct status status;
};

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
