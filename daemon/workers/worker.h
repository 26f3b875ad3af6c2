/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One worker process and the piece of work it has. */

#include <systemd/sd-event.h>

#include "common/protocol.h"

struct pool;
struct worker;

/* Who submits much waits for those who submit little: each of his works has a later turn. */
struct share {
        uint64_t turn;                  /* of his last one */
};

/* A task on its way through the pool; embedded in who wants it done, valid until it is done. */
struct work {
        struct task task;
        void *userdata;

        /* The worker is known, the task not yet sent. A negative return fails the work: it is not begun. Optional. */
        int (*on_assigned)(struct work *work);

        /* On the way: callouts of the task begin or end. Optional. */
        void (*on_callout)(struct work *work, bool begins);

        /* The end: a report, or NULL when the worker was lost. The report may be emptied by the callee. */
        void (*on_report)(struct work *work, struct report *report);

        bool background;                /* nobody waits for it: whatever does goes first */
        struct share *share;            /* whose it is; optional, valid as long as this */
        uint64_t turn;
        struct worker *worker;          /* NULL while it waits for one */
        bool queued;
        struct work *prev, *next;
};

enum worker_state {
        WORKER_STARTING,        /* until it has said hello */
        WORKER_IDLE,
        WORKER_BUSY,
        WORKER_RETIRED,         /* its socket is closed, it is to be reaped */
        _WORKER_STATE_MAX,
};

struct worker {
        struct pool *pool;
        enum worker_state state;        /* changed by the pool alone */
        pid_t pid;
        uint64_t start_time;            /* in clock ticks, 0 until it has said hello */
        int fd;
        sd_event_source *io_source;
        sd_event_source *child_source;
        json_object *message;           /* what it has said, until there is memory to read that; else NULL */
        bool starved;                   /* nothing is read from it until worker_read_again() */
        bool unread;                    /* it died before it took its task */
        struct work *work;              /* what it is busy with */
        uint64_t since;                 /* of its state, CLOCK_MONOTONIC in µs */
        struct worker *prev, *next;
};

typedef int (*worker_spawn_t)(struct pool *pool, sd_event *event, const char *program, struct worker **ret);

/** worker_spawn() - start a process. It is ready once it has said hello. Returns 0 or a negative errno. */
int worker_spawn(struct pool *pool, sd_event *event, const char *program, struct worker **ret);

/** worker_new() - a worker without a process of ours, at the other end of @fd. Takes @fd over, also when it fails.
 * Returns 0 or a negative errno. */
int worker_new(struct pool *pool, sd_event *event, int fd, struct worker **ret);

/** worker_ended() - its process is gone. Its socket may still hold its last report, which may be of finished work. So
 * all that is there gets read before the death is believed. Frees the worker. */
void worker_ended(struct worker *worker);

/** worker_retire() - close its socket and leave the pool. An idle process ends by that, a stuck one when the kernel
 * lets it; the struct goes when the process is reaped. */
void worker_retire(struct worker *worker);

/** worker_free() - forget the process, whatever it does. */
struct worker *worker_free(struct worker *worker);
DEFINE_CLEANUP_FUNC(struct worker *, worker_free)

/** worker_read_again() - after a shortage of memory. The worker may be retired by that. */
void worker_read_again(struct worker *worker);

/** worker_send() - send the task of its work. Returns 0 or a negative errno, -EPIPE when the process is gone. */
int worker_send(struct worker *worker);
