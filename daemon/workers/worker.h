/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A worker process, and the work that it has. */

#include <systemd/sd-event.h>

#include "common/protocol.h"

struct pool;
struct worker;

/* What works have in common that take turns with other works: each has a later turn than the one before. */
struct share {
        uint64_t turn;                  /* the turn of the last one */
};

/* A task on its way through the pool. It is embedded in its owner, and valid until it has ended or was withdrawn. */
struct work {
        struct task task;
        void *userdata;

        /* A worker gets the task next. A negative errno fails the work, which is not begun then. Optional. */
        int (*on_assigned)(struct work *work);

        /* Callouts of the task begin or end. Optional. */
        void (*on_callout)(struct work *work, bool begins);

        /* The work has ended, with a report, or with NULL if its worker was lost. The owner may empty the report, and
         * free or submit the work. */
        void (*on_report)(struct work *work, struct report *report);

        bool background;                /* whether nobody waits for it, so that all other work comes first */
        struct share *share;            /* the share that it takes turns in, or NULL; outlives the work */
        uint64_t turn;
        struct worker *worker;          /* the worker that has it, or NULL */
        bool queued;                    /* whether it waits for a worker */
        struct work *prev, *next;       /* in the pool's list of works that wait */
};

enum worker_state {
        WORKER_STARTING,        /* it has not said hello yet */
        WORKER_IDLE,
        WORKER_BUSY,            /* it has work */
        WORKER_RETIRED,         /* its socket is closed, and its end is awaited */
        _WORKER_STATE_MAX,
};

struct worker {
        struct pool *pool;
        enum worker_state state;        /* changed by the pool alone */
        pid_t pid;
        uint64_t start_time;            /* the start of the process in clock ticks; 0 until it has said hello */
        int fd;                         /* our end of its socket; -1: retired */
        sd_event_source *io_source;
        sd_event_source *child_source;
        json_object *message;           /* a message that there was no memory to read, or NULL */
        bool starved;                   /* whether nothing is read from it until worker_read_again() */
        bool unread;                    /* whether it died before it read its task */
        struct work *work;              /* the work that it has, or NULL */
        uint64_t since;                 /* the time of the last change of its state, in µs of CLOCK_MONOTONIC */
        struct worker *prev, *next;     /* in the pool's list of its state */
};

typedef int (*worker_spawn_t)(struct pool *pool, sd_event *event, const char *program, struct worker **ret);

/** worker_spawn() - start a worker process. It can be given work when it has said hello. Returns 0 or a negative
 * errno. */
int worker_spawn(struct pool *pool, sd_event *event, const char *program, struct worker **ret);

/** worker_new() - a worker at the other end of @fd, whose process is the caller's affair. Takes @fd over, also when it
 * fails. Returns 0 or a negative errno. */
int worker_new(struct pool *pool, sd_event *event, int fd, struct worker **ret);

/** worker_ended() - its process is gone. Its socket may still hold its last report, which may be of finished work. So
 * all that is there gets read before the death is believed. Frees the worker. */
void worker_ended(struct worker *worker);

/** worker_retire() - close its socket: it gets no more work. An idle process ends by that, a stuck one when the kernel
 * lets it. Then the worker is freed. */
void worker_retire(struct worker *worker);

/** worker_free() - forget the process, whatever it does. Returns NULL. */
struct worker *worker_free(struct worker *worker);
DEFINE_CLEANUP_FUNC(struct worker *, worker_free)

/** worker_read_again() - read from a worker that is starved. It may be retired by that. */
void worker_read_again(struct worker *worker);

/** worker_send() - send it the task of its work. Returns 0 or a negative errno; -EPIPE if the process is gone. */
int worker_send(struct worker *worker);
