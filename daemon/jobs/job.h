/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Jobs.
 *
 * A job is one change of one UUID that somebody has asked for: from the time that the request is accepted to its
 * answer. There are seven kinds: create, start, stop, define, modify, undefine and recover. struct job_type says what a
 * kind does, and each kind has a struct of its own, which begins with a struct job.
 *
 * A submitted job waits for its turn in the queue of its UUID (queue.h). Then the event loop starts it, and the kind
 * decides: the job ends, or it is parked until something changes, or a worker gets it. When the worker has reported,
 * the kind decides again. Each step goes through job_set_state(), which asserts that it is allowed.
 *
 * A job ends in one place, job_finish(). The registry and the store agree with the kernel and the disk by then, so that
 * a caller that reads the answer finds there what the answer says. If the deadline comes first, a job that has not
 * begun ends. A job that a worker has cannot be interrupted: its caller gets JobTimedOut, and the job keeps its UUID
 * until the worker is back. What such a late create has made is removed again.
 *
 * The table in struct jobs has a reference to a job from job_submit() to job_finish(). The pool has one while it has
 * the job's work, and a handler of the event loop has one while it runs. Whoever calls job_new() drops that reference
 * after job_submit(). So a job that has ended stays valid for the functions that are about to return.
 *
 * This folder owns the jobs and what they share (jobs.h). It changes the world through the pool, the registry and the
 * store. It notifies the caller by the reply, everybody by signals, a submitter that is no caller by struct job_ops,
 * and the manager when no job is left. */

#include <systemd/sd-bus.h>

#include "common/failure.h"
#include "common/uuid.h"
#include "daemon/base/log.h"
#include "daemon/bus/export.h"
#include "daemon/bus/grants.h"
#include "daemon/peers/peer.h"
#include "daemon/workers/worker.h"

struct parent_lock;
struct job;
struct jobs;
struct queue;

/* Where a job stands. The bus sees those from JOB_RUNNING on as "running", and the others as "waiting". */
enum job_state {
        JOB_NEW,                /* not submitted yet */
        JOB_QUEUED,             /* behind others of its UUID, or at the head until the event loop starts it */
        JOB_STARTING,           /* at the head, while its kind decides what to do */
        JOB_PARKED,             /* at the head, until something changes */
        JOB_PARKED_OUTSIDE,     /* in no queue, until its parent, its type or an instance may be there */
        JOB_LOCKED_OUT,         /* at the head, until its parent's lock is free */
        JOB_READY,              /* at the head, until a worker is free */
        JOB_RUNNING,            /* a worker has it, or has just reported */
        JOB_RUNNING_CALLOUTS,   /* the same, and the worker has begun to run callouts */
        JOB_BETWEEN_WORKERS,    /* a worker has ended one part, and the next part waits for a free worker */
        JOB_ENDED,
        _JOB_STATE_MAX,
};

enum job_result {
        JOB_UNDECIDED,
        JOB_DONE,
        JOB_FAILED,
        JOB_CANCELED,
        JOB_TIMEOUT,            /* of a job that cannot be interrupted, from its deadline on */
};

/* How it stands with the option `wait`: a stop waits for the device's user, a start for parent, type and instance. */
enum job_wait {
        JOB_WAIT_NO,
        JOB_WAIT_ALLOWED,
        JOB_WAIT_BEGUN,         /* it has waited, and may do so again */
        JOB_WAIT_CANCELED,      /* it was canceled while a worker tried it again, and ends instead of waiting */
};

/* The deadline of a request that names none. */
#define JOB_TIMEOUT_USEC_DEFAULT (90 * USEC_PER_SEC)

/* A kind of job. */
struct job_type {
        const char *name;
        size_t size;                    /* the size of the kind's own struct */
        enum action action;             /* the action that its caller must be allowed to do */
        bool creates;                   /* whether a device is there after success */
        bool cleans_up;                 /* whether it removes a half-made device, so that nobody may cancel it */
        bool tells_interruption;        /* whether callouts that heard of a task's beginning must hear of its end */
        enum task_kind task;            /* that task, unless it creates or cleans up */
        const struct job_type *undo;    /* the type of a create whose device must go again */
        const char *ends_waiting;       /* what it does to the device ("stopped"), if no start shall wait after that */

        /* The job is at the head of its queue. Parks it, gives it to a worker, or finishes it. */
        void (*start)(struct job *job);

        /* A worker is known, and is about to get the task. If this returns a negative errno, the task is not begun, and
         * on_report() gets a failure. Optional. */
        int (*on_assigned)(struct job *job);

        /* The worker has reported. @report is NULL if the worker was lost. */
        void (*on_report)(struct job *job, struct report *report);

        bool answers_uuid;              /* whether a reply begins with the UUID */

        /* The path of the object that a reply names, newly allocated. Returns 0 or a negative errno. If this is NULL, a
         * reply names none. */
        int (*object)(const struct job *job, char **ret);

        /* The job has succeeded, and its caller is about to hear that by @reply, which is sealed, or NULL if there is
         * none. Returns whether it takes @reply in order to send it later. Optional. */
        bool (*before_answer)(struct job *job, sd_bus_message *reply);

        /* Returns a sentence that says what the job waits for, or NULL. Optional. */
        const char *(*waits_for)(const struct job *job);

        /* Returns whether the job, which is about a definition, changes the device too. Optional. */
        bool (*changes_device)(const struct job *job);

        /* Has the error of a caller's job kept where people look for it; NULL: the job has succeeded. Optional. */
        void (*keep_error)(const struct job *job, const struct failure *error);

        /* Frees what the kind's own struct owns. Optional. */
        void (*clear)(struct job *job);
};

/* What whoever submits a job without a caller wants to hear. */
struct job_ops {
        /* A worker is about to create the device, and the intent is written. If this returns a negative errno, the task
         * is not begun. */
        int (*before_work)(struct job *job, void *userdata);

        /* The job has ended; or its deadline has passed, and this is not called again at its end. */
        void (*on_end)(struct job *job, enum job_result result, void *userdata);
};

/* The caller of a job, and the options that all requests have. */
struct job_caller {
        sd_bus_message *message;        /* the call, or NULL if there is none or it is answered */
        struct charge charge;           /* what the caller's peer is charged for the job and for the call */
        struct grants *grants;          /* what the caller may do; NULL: everything */
        uint64_t callout_of;            /* the job whose callout asked and waits for this one; 0: none */
        bool force;                     /* whether to go on when a callout refuses */
};

/* The time until which the caller wants an answer. */
struct job_deadline {
        uint64_t usec;                  /* µs from the acceptance of the job; 0: none */
        sd_event_source *timer;
        uint64_t left_usec;             /* µs that are left, while it is paused */
        bool paused;
};

/* What wakes a parked job, beside a change of its device. */
struct job_wake {
        sd_event_source *timer;
        sd_event_source *exits[HOLDERS_MAX];    /* the ends of processes */
        size_t n_exits;
};

struct job {
        unsigned int n_references;
        struct jobs *jobs;
        const struct job_type *type;
        const struct job_ops *ops;      /* the submitter's, until it has heard of the end; NULL: there is a caller */
        void *ops_userdata;
        struct export export;
        uint64_t id;
        uint64_t since;                 /* when it was made, in µs of the real-time clock */
        char uuid[UUID_TEXT_SIZE];
        char *parent;                   /* the device's parent, or NULL while it is not known */
        char *mdev_type;                /* the device's type, or NULL while it is not known */
        enum job_state state;           /* changed by job_set_state() alone */
        enum job_result result;
        enum job_wait wait;
        struct work work;               /* the work of a worker; its task borrows all texts from the job */
        struct failure failure;         /* why it does not succeed */
        struct job_caller caller;
        struct job_deadline deadline;
        struct job_wake wake;           /* empty unless it is parked */
        struct parent_lock *parent_lock;        /* the lock that it owns or waits for, or NULL */
        struct job *lock_prev, *lock_next;      /* among those that wait for that lock */
        struct queue *queue;            /* the queue that it is in, or NULL */
        struct job *prev, *next;        /* in its queue, or in the list of those that wait outside */
        UT_hash_handle hh;              /* by id */
};

/** job_new() - make a job that is not submitted yet, with one reference, which is the caller's. @parent, @mdev_type:
 * NULL if they are not known yet. Returns 0 or a negative errno. */
int job_new(struct job **ret, struct jobs *jobs, const struct job_type *type, const char *uuid, const char *parent,
            const char *mdev_type);

/* The kinds that are asked for. All of these return what job_new() returns. */

/** job_new_create() - create a device. Empties @attributes. */
int job_new_create(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent, const char *mdev_type,
                   struct attributes *attributes);

/** job_new_start() - create the device of a definition. @parent: NULL for the only one that defines it. */
int job_new_start(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent);

/** job_new_stop() - remove a device. @held_by: the process that has its group open for the caller; 0: none. */
int job_new_stop(struct job **ret, struct jobs *jobs, const char *uuid, pid_t held_by);

/** job_new_define() - store a new definition. If @changes have no type, it is the type of the active device; if they
 * have no attributes either, these are the device's too. Empties @changes. */
int job_new_define(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent,
                   struct definition_changes *changes);

/** job_new_modify() - change the running device (@live), its definition (@defined), or both. Empties @changes. */
int job_new_modify(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent,
                   struct definition_changes *changes, bool live, bool defined);

/** job_new_undefine() - remove a definition. @parent: NULL for all that define it. */
int job_new_undefine(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent);

/** job_ref(), job_unref() - take and drop a reference. The job is freed with the last one. job_unref() takes NULL too,
 * and returns NULL. */
struct job *job_ref(struct job *job);
struct job *job_unref(struct job *job);
DEFINE_CLEANUP_FUNC(struct job *, job_unref)

/** job_set_timeout() - start the deadline. @usec: µs from now; 0: none. Returns 0 or a negative errno. */
int job_set_timeout(struct job *job, uint64_t usec);

/** job_settle() - let the reply wait for udev, see settle.h. For a new job that creates. Returns 0 or -ENOMEM. */
int job_settle(struct job *job);

/** job_set_card() - if the parent refuses a new job that creates, ask the other parents of @card. Returns 0 or
 * -ENOMEM. */
int job_set_card(struct job *job, const char *card);

/** job_submit() - put a new job into the queue of its UUID, from where the event loop starts it. Returns 0 or a
 * negative errno. */
int job_submit(struct job *job);

/** job_answer_accepted() - answer the caller of a submitted job, who does not wait for its end. In place of the object
 * that the job will make, the reply names the job's own. Returns 1. */
int job_answer_accepted(struct job *job, sd_bus_message *message);

/** job_cancel() - end a job that waits. If it has waited before, and a worker tries it again at the moment, it ends
 * when it would have to wait once more. Returns 0, or -EBUSY for a job that runs or cleans up. */
int job_cancel(struct job *job);

/** job_caller_left() - the caller has left the bus. A job that waits ends. What a driver is doing goes on to its
 * end. */
void job_caller_left(struct job *job);

/** job_drop() - forget a job without an answer, because the daemon ends. */
void job_drop(struct job *job);

/** job_is_running() - whether the bus sees it as running. */
bool job_is_running(const struct job *job);

/** job_state_to_string() - what the bus sees of its state. */
const char *job_state_to_string(const struct job *job);

/** job_has_begun() - whether something was begun that must be brought to an end. */
bool job_has_begun(const struct job *job);

/** job_needs() - whether a caller must be allowed @action in order to ask for such a job. */
bool job_needs(const struct job *job, enum action action);

/* For the kinds of jobs, and for the other files of this folder. */

/** job_set_state() - go on to @state, and announce what the bus sees of that. */
void job_set_state(struct job *job, enum job_state state);

/** job_set_target() - copy the parent and the type that were found. Both may be NULL. Returns 0, or -ENOMEM and changes
 * nothing. */
int job_set_target(struct job *job, const char *parent, const char *mdev_type);

/** job_check_grants() - compare what the job is about to do with what its caller may do. Returns whether they agree; if
 * not, the job has failed. */
bool job_check_grants(struct job *job, enum action action, const char *parent, const char *type);

/** job_work() - have a worker do @task. The members that all tasks have are filled in. What @task points to must stay
 * as it is until the worker has reported. */
void job_work(struct job *job, const struct task *task);

/** job_park() - wait at the head of the queue until queue_kick(), and at most @usec µs; USEC_INFINITY: for ever. */
void job_park(struct job *job, uint64_t usec);

/** job_wake_on_exit() - wake a parked job when that process ends, too. */
void job_wake_on_exit(struct job *job, pid_t pid);

/** job_unpark() - drop what would wake it. */
void job_unpark(struct job *job);

/** job_may_wait() - whether it waits for what is missing, instead of failing. */
bool job_may_wait(const struct job *job);

/** job_end_waiting() - end it as canceled. */
void job_end_waiting(struct job *job);

/** job_time_left() - how many µs a worker may take for the job. Without a deadline it is the usual time. */
uint64_t job_time_left(const struct job *job);

/** job_pause_deadline(), job_resume_deadline() - let time pass that does not count, because callouts run. Harmless when
 * it is so already. */
void job_pause_deadline(struct job *job);
void job_resume_deadline(struct job *job);

/** job_finish() - end the job: answer the caller, with success if @result is JOB_DONE and with job->failure if not, and
 * let the next job of its UUID start. The result of a job that is late is JOB_TIMEOUT, unless it is canceled. */
void job_finish(struct job *job, enum job_result result);

/** job_fail() - set the failure, and finish. */
void job_fail(struct job *job, enum failure_code code, const char *format, ...) _printf_(3, 4);

/** job_fail_memory() - the same for a shortage of memory. */
void job_fail_memory(struct job *job);

/** job_answer_failure() - answer the caller with job->failure, if there is one to answer. The job goes on. */
void job_answer_failure(struct job *job);

/** job_tell_submitter() - tell the submitter of a job without a caller the result, once. */
void job_tell_submitter(struct job *job);

/** job_log_fields() - the fields of the journal that all messages about the job have. */
struct log_fields job_log_fields(const struct job *job);
