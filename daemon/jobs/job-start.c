/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Job "start": create the device of a definition; success if it is active already.
 *
 * With the option `wait` it waits for its parent, its type and a free instance outside the queue of its UUID, so that
 * it blocks nobody; whatever may have brought them puts it at the queue's end again. */

#include "daemon/jobs/job-start.h"

#include <errno.h>
#include <utlist.h>

#include "common/bus-names.h"
#include "common/fault-point.h"
#include "common/name.h"
#include "daemon/autostart/tried.h"
#include "daemon/base/log.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/callout-lock.h"
#include "daemon/jobs/job-create.h"
#include "daemon/jobs/queue.h"
#include "daemon/manager.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"

/* So many parents are named where a definition is ambiguous. */
#define PARENTS_NAMED 8

static void cancel(struct job *job, const char *why) {
        failure_clear(&job->failure);
        failure_set(&job->failure, FAILURE_JOB_CANCELED,
                    "The start of device %s, which waited, ended because the device was "
                    "%s", job->uuid, why);
        job_finish(job, JOB_CANCELED);
}

/* Whether @by is a request that ends the waiting of @job, and its caller may do that; then what is said of the
 * device. */
static const char *is_ended_by(const struct job *job, const struct job *by) {
        enum action action = by->type == &job_type_stop ? ACTION_MANAGE_DEVICES : ACTION_MANAGE_DEFINITIONS;

        if ((by->type != &job_type_stop && by->type != &job_type_undefine) ||
            !grants_cover(by->grants, action, job->work.task.parent, job->work.task.type))
                return NULL;
        return by->type == &job_type_stop ? "stopped" : "undefined";
}

/* What would have ended its waiting came while it was being tried. */
static const char *is_ended_by_next(const struct job *job) {
        const char *why = NULL;

        for (const struct job *next = job->next; next && !why; next = next->next)
                why = is_ended_by(job, next);
        return why;
}

static void join_waiting(struct job *job) {
        DL_APPEND2(job->manager->waiting_starts, job, prev, next);
}

static void wait_outside(struct job *job) {
        struct parent *parent = parent_find(job->manager->registry, job->work.task.parent);
        const char *why = is_ended_by_next(job);
        struct failure *failure = &job->failure;

        if (why)
                return cancel(job, why);
        if (job->wait == JOB_WAIT_CANCELED) {
                failure_clear(failure);
                return job_end_waiting(job);
        }

        free(job->waits_for);
        job->waits_for = TAKE_PTR(failure->message);
        failure_clear(failure);

        callout_lock_release(job);
        queue_remove(job);
        join_waiting(job);
        job->wait = JOB_WAIT_BEGUN;
        job_set_state(job, JOB_PARKED_OUTSIDE);
        if (parent)
                parent_read_again_later(parent);
}

void start_leave_waiting(struct job *job) {
        DL_DELETE2(job->manager->waiting_starts, job, prev, next);
}

void start_wake(struct manager *manager, const char *parent) {
        struct job *job, *next;

        DL_FOREACH_SAFE2(manager->waiting_starts, job, next, next) {
                if (!streq(job->work.task.parent, parent))
                        continue;
                start_leave_waiting(job);
                if (queue_enter(job) >= 0)
                        continue;
                join_waiting(job);
                job_fail(job, FAILURE_IO_ERROR, "Device %s: out of memory", job->uuid);
        }
}

void start_cancel_waiting(const struct job *by) {
        struct job *job, *next;

        DL_FOREACH_SAFE2(by->manager->waiting_starts, job, next, next) {
                const char *why = streq(job->uuid, by->uuid) ? is_ended_by(job, by) : NULL;

                if (why)
                        cancel(job, why);
        }
}

static void fail_ambiguous(struct job *job, struct stored_definition **definitions, size_t n) {
        char parents[PARENTS_NAMED * (NAME_COMPONENT_SIZE_MAX + sizeof("'', "))] = "";
        size_t length = 0;

        for (size_t i = 0; i < n && i < PARENTS_NAMED; i++)
                length += (size_t) snprintf(parents + length, sizeof(parents) - length, "%s'%s'", i > 0 ? ", " : "",
                                            definitions[i]->directory->parent);
        job_fail(job, FAILURE_AMBIGUOUS_DEFINITION,
                 "Device %s is defined for %zu parents: %s; name the one that is meant", job->uuid, n, parents);
}

/* The file as it is now counts. Returns NULL with the job finished. */
static struct stored_definition *find_definition(struct job *job) {
        struct stored_definition *definitions[PARENTS_NAMED], *definition;
        struct store *store = job->manager->store;
        size_t n;

        if (job->parent_given) {
                definition = store_refresh(store, job->work.task.parent, job->uuid);
                if (!definition)
                        job_fail(job, FAILURE_NOT_DEFINED, "Device %s is not defined for parent '%s'; ListDefinitions "
                                 "tells those that are", job->uuid, job->work.task.parent);
                return definition;
        }

        store_look_for(store, job->uuid);
        n = store_find_all(store, job->uuid, definitions, PARENTS_NAMED);
        if (n == 1)
                return definitions[0];
        if (n > 1)
                fail_ambiguous(job, definitions, n);
        else
                job_fail(job, FAILURE_NOT_DEFINED, "Device %s is not defined; define it first, or create it as a "
                         "transient device", job->uuid);
        return NULL;
}

static int take_definition(struct job *job, const struct stored_definition *definition) {
        struct task *task = &job->work.task;

        task->kind = TASK_CREATE;
        if (!job->parent_given) {
                free(task->parent);
                task->parent = strdup(definition->directory->parent);
        }
        task->start = definition->start;
        free(task->type);
        task->type = strdup(definition->type);
        attributes_clear(&task->attributes);
        if (!task->parent || !task->type || attributes_copy(&definition->attributes, &task->attributes) < 0)
                return -ENOMEM;
        return 0;
}

static bool is_worth_waiting(const struct job *job, enum failure_code code) {
        return job_may_wait(job) &&
               (code == FAILURE_NO_SUCH_PARENT || code == FAILURE_NO_SUCH_TYPE ||
                code == FAILURE_NO_AVAILABLE_INSTANCES);
}

static void start_start(struct job *job) {
        struct stored_definition *definition;
        struct device *device;

        definition = find_definition(job);
        if (!definition)
                return;
        if (!definition->valid)
                return job_fail(job, FAILURE_INVALID_DEFINITION, "Definition %s of parent '%s' is invalid: %s",
                                job->uuid, definition->directory->parent, definition->reason ? definition->reason : "");
        if (take_definition(job, definition) < 0)
                return job_fail(job, FAILURE_IO_ERROR, "Device %s: out of memory", job->uuid);

        if (!job_check_grants(job, ACTION_MANAGE_DEVICES, job->work.task.parent, job->work.task.type))
                return;

        device = device_refresh(job->manager->registry, job->uuid);
        if (device && streq(device->parent, job->work.task.parent)) {
                if (device->state == DEVICE_ACTIVE)
                        return job_finish(job, JOB_DONE);
                if (device_is_in_transition(device))
                        return job_park(job, USEC_INFINITY);
        }
        if (device)
                return create_fail_exists(job, device);

        if (create_prepare(job) < 0) {
                if (is_worth_waiting(job, job->failure.code))
                        return wait_outside(job);
                return job_finish(job, JOB_FAILED);
        }
        job_work(job);
}

static int start_assigned(struct job *job) {
        int r;

        r = create_assigned(job);
        if (r < 0 || !job->autostart)
                return r;
        /* After the intent, before the create: a crash in between finds the intent, and it is tried again. */
        r = registration_add(job->work.task.parent, job->uuid);
        FAULT_POINT("registration-noted");
        return r;
}

static void start_reported(struct job *job, struct report *report) {
        if (report && report->kind == REPORT_FAILED && is_worth_waiting(job, report->failure.code)) {
                create_drop_intent(job);
                failure_set(&job->failure, report->failure.code, "%s", failure_text(&report->failure));
                return wait_outside(job);
        }

        create_reported(job, report);
}

static int start_append_reply(struct job *job, sd_bus_message *reply) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = sd_bus_path_encode(BUS_DEVICE_PATH, job->uuid, &path);
        if (r < 0)
                return r;
        return sd_bus_message_append(reply, "o", path);
}

const struct job_type job_type_start = {
        .name = "start",
        .creates = true,
        .undo = &job_type_undo_start,
        .start = start_start,
        .on_assigned = start_assigned,
        .on_report = start_reported,
        .append_reply = start_append_reply,
        .before_answer = create_drop_intent,
};
