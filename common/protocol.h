/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The messages between daemon and worker. The daemon sends a task, and the worker answers it with one report. A worker
 * has one task at a time. A new worker introduces itself with a report of kind "hello". */

#include <json-c/json.h>
#include <sys/types.h>

#include "common/attribute.h"
#include "common/definition-changes.h"
#include "common/failure.h"
#include "common/macro.h"
#include "common/message.h"

/* The fd on which a worker finds its socket. */
#define WORKER_SOCKET_FD 3

enum task_kind {
        TASK_CREATE,            /* write `create`, then the attributes; all or nothing */
        TASK_STOP,              /* write `remove` unless the device is in use; done when the directory is gone */
        TASK_RECOVER,           /* undo a create that was not acknowledged; see worker/recover.c */
        TASK_READ_TYPES,        /* name, description, device API, available instances of a parent's types */
        TASK_DEFINE,            /* store a new definition */
        TASK_MODIFY,            /* change the stored definition, as its file is when the task runs */
        TASK_UNDEFINE,          /* remove the stored definition */
        TASK_LIVE,              /* change a running device's attributes by a callout */
        TASK_GET_ATTRIBUTES,    /* ask a callout for a running device's attributes */
        TASK_GET_USERS,         /* find the processes that have a device open */
        TASK_CLEAN_STORE,       /* remove the temporary files of workers that have died */
        _TASK_KIND_MAX,
        _TASK_KIND_INVALID = -1,
};

struct task {
        enum task_kind kind;
        char *uuid;
        char *parent;
        char *type;
        uint64_t job;                   /* its number, for callouts; 0: no job */
        bool interrupted;               /* whether a worker died in it: now only callouts are run */
        bool force;                     /* go on when a callout refuses */
        uint64_t callout_timeout;       /* µs a callout may take */
        enum start_mode start;          /* CREATE: the definition's, for callouts */
        char *path;                     /* STOP: where the daemon has seen the device, in sysfs */
        uint64_t inode;                 /* STOP: the directory's inode; a later device of the UUID has another one */
        struct attributes attributes;
        uint64_t wait;                  /* STOP: µs for which a driver that says that it is busy is asked again */
        pid_t held_by;                  /* STOP: the process of the same name in device_is_in_use(); 0: none */
        pid_t orphan_pid;               /* RECOVER: the worker that may still be inside the kernel; 0: it has ended */
        uint64_t orphan_start_time;     /* RECOVER: that worker's start time in clock ticks */
        struct definition_changes changes;      /* DEFINE, MODIFY */
};

enum report_kind {
        REPORT_HELLO,
        REPORT_DONE,
        REPORT_FAILED,
        REPORT_CALLOUT_BEGIN,   /* sent before the end: callouts run, and their time does not count for the deadline */
        REPORT_CALLOUT_END,
        REPORT_BUSY,            /* STOP: somebody has the device open; nothing was written */
        REPORT_UNDONE,          /* RECOVER: there was a device, and it is removed */
        REPORT_KEPT,            /* RECOVER: the device is not ours or in use; the message says why */
        _REPORT_KIND_MAX,
        _REPORT_KIND_INVALID = -1,
};

/* How many holders are named. Anybody who may use a device can pass it on to any number of processes. */
#define HOLDERS_MAX 16

struct holder {
        pid_t pid;
        char name[16];          /* comm: 15 bytes, see proc(5) */
        char machine[65];       /* the name of the virtual machine that it runs, or empty */
};

struct report {
        enum report_kind kind;
        struct failure failure;         /* FAILED; its message alone: KEPT, and BUSY if nobody uses the device */
        struct holder *holders;         /* BUSY; DONE of GET_USERS */
        size_t n_holders;
        uint64_t n_more_holders;        /* BUSY: how many holders there are besides those that are named */
        uint64_t start_time;            /* HELLO: the worker's own, in clock ticks */
        bool served;                    /* whether a callout is responsible for the task's parent */
        bool has_attributes;            /* GET_ATTRIBUTES: whether a callout has given them */
        struct attributes attributes;
        char *holds;                    /* READ_TYPES, CREATE, STOP, RECOVER: the type of the device that the parent
                                           holds, or ""; NULL: not known, or of no interest */
        json_object *types;             /* READ_TYPES: {TYPE: {"name": …, "available_instances": …}} */
};

/** task_changes_device() - whether the task makes or removes a device. */
bool task_changes_device(const struct task *task);

void task_clear(struct task *task);
void report_clear(struct report *report);

#define _cleanup_task_ _cleanup_(task_clear)
#define _cleanup_report_ _cleanup_(report_clear)

/** task_send() - returns 0 or a negative errno. */
int task_send(int fd, const struct task *task);

/** task_parse() - fill in @ret from a received object. Returns 0 or -EBADMSG. */
int task_parse(json_object *object, struct task *ret);

/** report_send() - returns 0 or a negative errno. */
int report_send(int fd, const struct report *report);

/** report_parse() - fill in @ret from a received object. Returns 0 or -EBADMSG. */
int report_parse(json_object *object, struct report *ret);
