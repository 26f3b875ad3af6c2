/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What all jobs share. */

#include <systemd/sd-event.h>

#include "common/macro.h"
#include "daemon/definitions/store-clean.h"

struct parent_lock;
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
        void *userdata;                 /* the argument of that function */

        struct job *by_id;              /* the jobs that are submitted and have not ended, by number */
        uint64_t last_id;               /* the number of the last job */
        struct queue *queues;           /* the queues with jobs, by UUID */
        struct queue *kicked_queues;    /* the queues whose head is to be started */
        sd_event_source *kick_source;   /* what starts these heads */
        struct job *waiting;            /* the jobs that wait outside their queues, see waiting.h */
        struct parent_lock *parent_locks;       /* by parent */
        struct settle *settles;         /* replies that wait for udev, or may do so */
        struct store_clean store_clean;
        uint64_t callout_timeout;       /* how long a callout may take, in µs */
        bool draining;                  /* whether the daemon is stopping, so that no job waits any more */
};

/** jobs_free() - nobody gets an answer. */
struct jobs *jobs_free(struct jobs *jobs);
DEFINE_CLEANUP_FUNC(struct jobs *, jobs_free)

/** jobs_new() - @on_idle is called each time that no job is left. Returns 0 or a negative errno. */
int jobs_new(struct jobs **ret, sd_event *event, struct exports *exports, struct pool *pool, struct registry *registry,
             struct store *store, void (*on_idle)(void *userdata), void *userdata);

/** jobs_find() - the job with that number, or NULL. */
struct job *jobs_find(const struct jobs *jobs, uint64_t id);

/** jobs_count() - how many jobs are submitted and have not ended. */
unsigned int jobs_count(const struct jobs *jobs);

/** jobs_have_create() - whether a caller waits for a device of @parent, and the job is in its queue. */
bool jobs_have_create(const struct jobs *jobs, const char *parent);

/** jobs_drain() - the daemon is stopping: end all jobs that have not begun, send all replies that wait for udev, and
 * let no job wait any more. */
void jobs_drain(struct jobs *jobs);

/** jobs_answer() - answer the callers of all jobs that are left, because the daemon ends first. */
void jobs_answer(struct jobs *jobs);
