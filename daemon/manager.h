/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon has, and its life: start, drain, end. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/macro.h"

struct client;
struct device;
struct exports;
struct job;
struct monitor;
struct parent;
struct pool;
struct queue;
struct registry;
struct settle;
struct types_query;

/* How long running jobs may go on when the daemon is asked to stop. */
#define MANAGER_DRAIN_USEC (8 * USEC_PER_SEC)

struct manager {
        sd_event *event;
        sd_bus *bus;
        struct exports *exports;
        struct monitor *monitor;
        struct pool *pool;
        struct registry *registry;

        struct parent *parents;         /* by name */
        struct device *devices;         /* by UUID */
        struct device *transitions;     /* those that are neither active nor wedged */
        struct queue *queues;           /* by UUID, of those with jobs */
        struct queue *kicked_queues;    /* whose head is to be started */
        sd_event_source *queue_source;
        struct job *jobs;               /* by id */
        struct client *clients;         /* by unique name, of those with jobs */
        struct settle *settles;
        struct types_query *types_queries;
        uint64_t last_job_id;

        bool enumerated;                /* what is found from now on is new */
        bool draining;
};

struct manager *manager_free(struct manager *manager);
DEFINE_CLEANUP_FUNC(struct manager *, manager_free)

/** manager_new() - connect to the bus, start the monitor and the first worker. Returns 0 or a negative errno. */
int manager_new(struct manager **ret);

/** manager_run() - look at the kernel, take the bus name, and serve until asked to stop. Returns 0 or a negative
 * errno. */
int manager_run(struct manager *manager);

/** manager_job_removed() - called when a job is gone: a draining manager may end now. */
void manager_job_removed(struct manager *manager);
