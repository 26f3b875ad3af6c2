/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One request for one UUID, from its acceptance to its reply. */

#include <systemd/sd-bus.h>

#include "common/failure.h"
#include "common/uuid.h"
#include "daemon/base/log.h"
#include "daemon/bus/export.h"
#include "daemon/bus/grants.h"
#include "daemon/peers/peer.h"
#include "daemon/workers/worker.h"

struct callout_lock;
struct job;
struct jobs;
struct queue;

/* Where a job stands. On the bus, those from JOB_RUNNING on are "running", the others are "waiting". */
enum job_state {
        JOB_NEW,                /* in no queue yet */
        JOB_QUEUED,             /* behind others of its UUID, or at the head until the event loop starts it */
        JOB_STARTING,           /* at the head: its kind looks what is to be done */
        JOB_PARKED,             /* at the head: something must change first */
        JOB_PARKED_OUTSIDE,     /* in no queue: the same, but other jobs of its UUID may go on */
        JOB_LOCKED_OUT,         /* at the head: another job has its parent's callout lock */
        JOB_READY,              /* at the head: the next free worker gets it */
        JOB_RUNNING,            /* a worker has it, or has reported just now */
        JOB_RUNNING_CALLOUTS,   /* the same, and callouts have heard of it */
        JOB_BETWEEN_WORKERS,    /* one worker has ended its part, and the next free one gets the rest */
        JOB_ENDED,              /* its caller has the answer */
        _JOB_STATE_MAX,
};

enum job_result {
        JOB_UNDECIDED,
        JOB_DONE,
        JOB_FAILED,
        JOB_CANCELED,
        JOB_TIMEOUT,            /* decided before the end, when its deadline passes while it cannot be dropped */
};

/* What became of the option `wait`. */
enum job_wait {
        JOB_WAIT_NO,
        JOB_WAIT_ALLOWED,
        JOB_WAIT_BEGUN,         /* it has waited, and may do so again */
        JOB_WAIT_CANCELED,      /* the same; but it was canceled while a worker had it, and ends instead */
};

/* Counted from acceptance; a caller may choose another, 0 for none. */
#define JOB_TIMEOUT_USEC_DEFAULT (90 * USEC_PER_SEC)

/* What a kind of job does. */
struct job_type {
        const char *name;
        size_t size;                    /* of the kind's own struct, which begins with a struct job */
        enum action action;             /* what its caller must be allowed to do */
        bool creates;                   /* ends with a device, if all goes well */
        bool cleans_up;                 /* removes what is left of a device: nobody may use its UUID before */
        bool tells_interruption;        /* callouts that have heard of @task's beginning must hear of its end */
        enum task_kind task;            /* the task that does what it is for, if it tells_interruption */
        const struct job_type *undo;    /* what a job becomes that creates, when its device must go again */
        const char *ends_waiting;       /* "stopped", say: what becomes of a device, so that no start waits for it */

        /* It is the head of its queue: park it, give it a worker or finish it. */
        void (*start)(struct job *job);

        /* Its worker is back, with a report or without one because it was lost. */
        void (*on_report)(struct job *job, struct report *report);

        /* Its worker is known, the task is about to be sent; a negative return counts as a lost worker. Optional. */
        int (*on_assigned)(struct job *job);

        /* The successful reply's content. */
        int (*append_reply)(struct job *job, sd_bus_message *reply);

        /* It has succeeded, and its caller, if there is one, is told so right after this. Optional. */
        void (*before_answer)(struct job *job);

        /* Whether the reply waits for something else, and is sent from there: see bus_send_reply().
         * Optional. */
        bool (*hold_reply)(struct job *job, sd_bus_message *reply);

        /* What it waits for, as a sentence; NULL: nothing that can be named. Optional. */
        const char *(*waits_for)(const struct job *job);

        /* Whether it also does what ACTION_MANAGE_DEVICES is needed for. Optional. */
        bool (*changes_device)(const struct job *job);

        /* Free what the kind's own struct holds. Optional. */
        void (*clear)(struct job *job);
};

/* Who asked for a job, and what goes with the request. */
struct job_caller {
        sd_bus_message *message;        /* the call, or NULL: nobody asked, or it is answered already */
        struct charge charge;           /* of the job and of the message's size, to the peer that asked */
        struct grants *grants;          /* what the caller may do; NULL: everything */
        uint64_t callout_of;            /* the job whose callout asked, and waits for this one; 0: none */
        bool force;                     /* the option: go on when a callout refuses */
};

/* When the caller wants an answer at the latest. */
struct job_deadline {
        uint64_t usec;                  /* from acceptance, 0: none */
        sd_event_source *timer;
        uint64_t left_usec;             /* while it is paused */
        bool paused;
};

/* What wakes a parked job, beside changes of its device. */
struct job_wake {
        sd_event_source *timer;
        sd_event_source *exits[HOLDERS_MAX];    /* the ends of processes */
        size_t n_exits;
};

/* What whoever submits a job without a caller wants to hear. */
struct job_ops {
        /* A worker is about to create the device, and the intent is written. Returns 0, or a negative errno with which
         * nothing is begun. */
        int (*before_work)(struct job *job, void *userdata);

        /* The job has ended; or its deadline has passed, and nobody hears of its end. */
        void (*on_end)(struct job *job, enum job_result result, void *userdata);
};

struct job {
        unsigned int n_references;
        struct jobs *jobs;
        const struct job_type *type;
        const struct job_ops *ops;      /* NULL: it has a caller, or nobody cares any more */
        void *ops_userdata;
        struct export export;
        uint64_t id;
        char uuid[UUID_TEXT_SIZE];
        char *parent;                   /* of the device, or NULL until it is looked for */
        char *mdev_type;                /* the same */
        enum job_state state;           /* changed by job_set_state() alone */
        enum job_result result;
        enum job_wait wait;             /* stop: for the device's user; start: for parent, type and an instance */
        struct work work;               /* its task borrows from the job, see job_work() */
        struct failure failure;

        struct job_caller caller;
        struct job_deadline deadline;
        struct job_wake wake;           /* while it is parked */
        struct callout_lock *callout_lock;      /* of its parent when it last got there: owned or waited for */

        struct queue *queue;            /* NULL: it is in none */
        struct job *prev, *next;        /* in its queue, or in the list of those that wait outside */
        UT_hash_handle hh;              /* by id */
};

/** job_state_to_string() - as the bus has it. */
const char *job_state_to_string(enum job_state state);

/** job_set_state() - move the job on, and announce what the bus sees of it. */
void job_set_state(struct job *job, enum job_state state);

/** job_is_running() - whether the bus sees it as running: a worker has it, or has had it until just now. */
bool job_is_running(const struct job *job);

/** job_has_begun() - whether a worker has, or had, a part in it that must be brought to an end. */
bool job_has_begun(const struct job *job);

/** job_may_wait() - whether it waits for what it lacks, rather than fail. */
bool job_may_wait(const struct job *job);

/** job_new() - a job that is in no queue yet. @parent, @mdev_type: NULL if they are not known yet. Returns 0 or a
 * negative errno. */
int job_new(struct job **ret, struct jobs *jobs, const struct job_type *type, const char *uuid,
            const char *parent, const char *mdev_type);

/* The kinds of job that are asked for. Each returns 0 or a negative errno. */

/** job_new_create() - create a device. @settle: the reply waits for udev. Empties @attributes. */
int job_new_create(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent,
                   const char *mdev_type, struct attributes *attributes, bool settle);

/** job_new_start() - create the device of a definition. @parent: NULL for the one that defines it, if it is one. */
int job_new_start(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent, bool wait,
                  bool settle);

/** job_new_stop() - remove a device. @held_by: the process that has its group open for the caller, 0: none. */
int job_new_stop(struct job **ret, struct jobs *jobs, const char *uuid, bool wait, pid_t held_by);

/** job_new_define() - store a new definition. Without a type it gets the one of the active device, and its attributes
 * if there are none. Empties @changes. */
int job_new_define(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent,
                   struct definition_changes *changes);

/** job_new_modify() - change a definition, the running device, or both. Empties @changes. */
int job_new_modify(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent,
                   struct definition_changes *changes, bool live, bool defined);

/** job_new_undefine() - remove a definition. @parent: NULL for all that define it. */
int job_new_undefine(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent);

/** job_ref(), job_unref() - take and drop a reference. The last one frees the job. */
struct job *job_ref(struct job *job);
struct job *job_unref(struct job *job);
DEFINE_CLEANUP_FUNC(struct job *, job_unref)

/** job_submit() - put a new job into the queue of its UUID, from where the event loop starts it. Returns 0 or a
 * negative errno. */
int job_submit(struct job *job);

/** job_drop() - forget a job without an answer, because the daemon ends. */
void job_drop(struct job *job);

/** job_needs() - whether it does what a caller must be allowed @action for. */
bool job_needs(const struct job *job, enum action action);

/** job_set_target() - what it is about has been found: copy its parent and its type, each of which may be NULL. Returns
 * 0, or -ENOMEM and changes nothing. */
int job_set_target(struct job *job, const char *parent, const char *mdev_type);

/** job_set_timeout() - start the clock. @usec: from now, 0 for none. Returns 0 or a negative errno. */
int job_set_timeout(struct job *job, uint64_t usec);

/** job_pause_deadline(), job_resume_deadline() - time in callouts does not count. Harmless when it is so already. */
void job_pause_deadline(struct job *job);
void job_resume_deadline(struct job *job);

/** job_work() - have a worker do @task. UUID, parent, type and what all tasks have are added. What the task points to
 * is the job's, and stays as it is until the worker reports. */
void job_work(struct job *job, const struct task *task);

/** job_park() - wait at the head of the queue until queue_kick(), or for @usec unless that is USEC_INFINITY. */
void job_park(struct job *job, uint64_t usec);

/** job_wake_on_exit() - wake a parked job when that process ends, too. */
void job_wake_on_exit(struct job *job, pid_t pid);

/** job_unpark() - drop whatever would wake it. */
void job_unpark(struct job *job);

/** job_log_fields() - what every message about it has. */
struct log_fields job_log_fields(const struct job *job);

/** job_tell_submitter() - tell job->ops the result, once. */
void job_tell_submitter(struct job *job);

/** job_answer_failure() - answer the caller with job->failure, once; the job goes on. */
void job_answer_failure(struct job *job);

/** job_finish() - the end, and the one place that replies: with success when done, else with job->failure. The result
 * of a job whose deadline has passed is JOB_TIMEOUT, unless it is canceled. The next job of its UUID is started. */
void job_finish(struct job *job, enum job_result result);

/** job_fail() - set the failure and finish. */
void job_fail(struct job *job, enum failure_code code, const char *format, ...) _printf_(3, 4);

/** job_check_grants() - what the job is about to do, to what it has found, against what its caller may. Returns whether
 * it may; else it has failed. */
bool job_check_grants(struct job *job, enum action action, const char *parent, const char *type);

/** job_cancel() - end a waiting job; one that has waited, and that a worker has for the moment, when it would wait
 * again. Returns 0, or -EBUSY when it is running. */
int job_cancel(struct job *job);

/** job_caller_left() - its caller has left the bus. What waits is dropped; what a driver is doing goes on to its end,
 * and nobody is told. */
void job_caller_left(struct job *job);

/** job_end_waiting() - end it as canceled; no worker may have it. */
void job_end_waiting(struct job *job);
