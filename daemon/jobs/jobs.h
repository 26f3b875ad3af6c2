/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All jobs, and what they share. */

#include <systemd/sd-event.h>

#include "common/macro.h"
#include "daemon/definitions/store-clean.h"

struct callout_lock;
struct exports;
struct job;
struct pool;
struct queue;
struct registry;
struct settle;
struct store;

/* How many seconds a callout may take. The ap-check of s390 itself waits this long for its lock. */
#define CALLOUT_TIMEOUT_DEFAULT 120
#define CALLOUT_TIMEOUT_MAX 86400

struct jobs {
        sd_event *event;
        struct exports *exports;
        struct pool *pool;
        struct registry *registry;
        struct store *store;
        void (*on_idle)(void *userdata);
        void *userdata;                 /* the argument of on_idle() */

        struct job *by_id;              /* those that are submitted and have not ended */
        uint64_t last_id;
        struct queue *queues;           /* by UUID, of those with jobs */
        struct queue *kicked_queues;    /* those whose head is to be started */
        sd_event_source *kick_source;
        struct job *waiting;            /* those in no queue, see waiting.h */
        struct callout_lock *callout_locks;     /* by parent, of the parents that a callout serves */
        struct settle *settles;
        struct store_clean store_clean;
        uint64_t callout_timeout;       /* how long a callout may take, in µs */
        bool draining;                  /* whether the daemon is stopping: nothing waits any more */
};

struct jobs *jobs_free(struct jobs *jobs);
DEFINE_CLEANUP_FUNC(struct jobs *, jobs_free)

/** jobs_new() - @on_idle: called when the last job has ended. Returns 0 or a negative errno. */
int jobs_new(struct jobs **ret, sd_event *event, struct exports *exports, struct pool *pool, struct registry *registry,
             struct store *store, void (*on_idle)(void *userdata), void *userdata);

/** jobs_find() - the job with that number, or NULL. */
struct job *jobs_find(const struct jobs *jobs, uint64_t id);

/** jobs_count() - how many have not ended. */
unsigned int jobs_count(const struct jobs *jobs);

/** jobs_have_create() - whether a caller waits for a device of @parent that can be created now. */
bool jobs_have_create(const struct jobs *jobs, const char *parent);

/** jobs_drain() - the daemon is stopping: end all jobs that have not begun, and send all replies that wait. */
void jobs_drain(struct jobs *jobs);

/** jobs_answer() - answer the callers of all jobs that are left: the daemon ends before they do. */
void jobs_answer(struct jobs *jobs);
