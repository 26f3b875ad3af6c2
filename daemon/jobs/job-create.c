/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs of kind "create". A device is there with all its attributes, and the caller was told so; or it is not there. */

#include "daemon/jobs/job-create.h"

#include <assert.h>
#include <errno.h>

#include "common/bus-names.h"
#include "common/fault-point.h"
#include "common/intent.h"
#include "daemon/jobs/card.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/recovery.h"
#include "daemon/jobs/settle.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"

void job_create_fail_exists(struct job *job, const struct device *device) {
        const char *hint = device->state == DEVICE_STARTING   ? "somebody else is creating it"
                           : device->state == DEVICE_STOPPING ? "it is being removed; try again"
                           : device->state == DEVICE_WEDGED ? "it is wedged and can never be removed; choose another "
                                                              "UUID"
                                                            : "stop it first, or choose another UUID";

        job_fail(job, FAILURE_ALREADY_EXISTS, "Device %s already exists on parent '%s': %s", job->uuid, device->parent,
                 hint);
}

int job_create_prepare(struct job *job) {
        struct parent *parent;

        parent = parent_find(job->jobs->registry, job->parent);
        if (parent && parent_may_have_type(parent, job->mdev_type))
                return 0;

        /* A parent may be here before its uevent, or be about to go. */
        parent = parent_look_for(job->jobs->registry, job->parent);
        if (!parent)
                return failure_set(&job->failure, FAILURE_NO_SUCH_PARENT,
                                   "Cannot create device %s: there is no parent '%s'; is its driver loaded?", job->uuid,
                                   job->parent);
        if (!parent_may_have_type(parent, job->mdev_type))
                return failure_set(&job->failure, FAILURE_NO_SUCH_TYPE,
                                   "Cannot create device %s: parent '%s' has no type '%s'; 'mediatectl types' shows "
                                   "all types",
                                   job->uuid, job->parent, job->mdev_type);
        return 0;
}

void job_create_work(struct job *job) {
        const struct create_job *create = create_job_of(job);

        job_work(job, &(struct task) {
                .kind = TASK_CREATE,
                .start = create->start,
                .attributes = create->attributes,
        });
}

/* Returns whether another parent of the card is asked. Whether a parent has an instance, only the kernel decides:
 * several parents may share them, and others may take them. */
static bool try_next_parent(struct job *job) {
        struct create_job *create = create_job_of(job);
        struct parent *parent;
        char **refused;

        refused = realloc(create->refused, (create->n_refused + 1) * sizeof(*refused));
        if (!refused)
                return false;
        create->refused = refused;
        refused[create->n_refused] = strdup(job->parent);
        if (!refused[create->n_refused])
                return false;
        create->n_refused++;

        parent = card_choose(job->jobs, create->card, job->mdev_type, create->refused, create->n_refused);
        if (!parent || !grants_cover(job->caller.grants, ACTION_MANAGE_DEVICES, parent->name, job->mdev_type))
                return false;
        job_create_drop_intent(job);
        parent_capacity_changed(job->jobs->registry, job->parent);
        if (job_set_target(job, parent->name, job->mdev_type) < 0)
                return false;
        job_create_work(job);
        return true;
}

static void create_start(struct job *job) {
        struct device *device;

        /* A device that is not known yet is not looked for: the kernel decides whether the UUID is free. */
        device = device_find(job->jobs->registry, job->uuid);
        if (device)
                device = device_refresh(job->jobs->registry, job->uuid);
        if (device)
                return job_create_fail_exists(job, device);
        if (job_create_prepare(job) < 0)
                return job_finish(job, JOB_FAILED);
        job_create_work(job);
}

int job_create_assigned(struct job *job) {
        const struct worker *worker = job->work.worker;
        struct intent intent = {
                .parent = job->parent,
                .type = job->mdev_type,
                .pid = worker->pid,
                .start_time = worker->start_time,
                .autostart = job->ops,
        };
        int r;

        r = intent_store(job->uuid, &intent);
        if (r < 0)
                return log_full(LOG_ERR, r, job_log_fields(job),
                                "Failed to write the intent of creating device %s: %m", job->uuid);
        FAULT_POINT("intent-prepared");
        return job->ops ? job->ops->before_work(job, job->ops_userdata) : 0;
}

void job_create_drop_intent(struct job *job) {
        int r;

        r = intent_remove(job->uuid);
        if (r < 0)
                log_full(LOG_WARNING, r, job_log_fields(job),
                         "Failed to remove the intent of device %s, ignoring: %m", job->uuid);
        FAULT_POINT("intent-dropped");
}

static void create_end(struct job *job, enum job_result result) {
        struct create_job *create = create_job_of(job);
        struct device *device;

        FAULT_POINT("create-decided");
        if (result != JOB_DONE)
                job_create_drop_intent(job);
        /* The registry comes first: a caller that reads the reply or a signal must find there what that says. */
        if (result == JOB_DONE) {
                device = device_created(job->jobs->registry, job->uuid, job->parent, job->mdev_type);
                if (device) {
                        attributes_clear(&device->attributes);
                        device->attributes = create->attributes;
                        create->attributes = (struct attributes) {};
                }
        } else
                (void) device_refresh(job->jobs->registry, job->uuid);
        parent_capacity_changed(job->jobs->registry, job->parent);
        job_finish(job, result);
        if (result == JOB_DONE)
                device_check_created(job->jobs->registry, job->uuid);
}

void job_undo_start(struct job *job) {
        job_work(job, &(struct task) { .kind = TASK_RECOVER });
}

/* Nobody will be told of success: the caller has got JobTimedOut, or the worker died before it could report. The device
 * may be there all the same. The intent stays until the device is gone. */
static void undo(struct job *job) {
        FAULT_POINT("create-lost");
        intent_remove_half(job->uuid);
        job->type = job->type->undo;
        job_undo_start(job);
}

void job_undo_reported(struct job *job, struct report *report) {
        recovery_log(job->uuid, job->parent, report);
        if (!report)
                return recovery_retry(job, &create_job_of(job)->n_lost);

        if (report->kind == REPORT_DONE || report->kind == REPORT_UNDONE)
                failure_set(&job->failure, FAILURE_IO_ERROR,
                            "The worker that was creating device %s died; what it left was removed again", job->uuid);
        else
                failure_set(&job->failure, FAILURE_IO_ERROR, "The worker that was creating device %s died. %s",
                            job->uuid, failure_text(&report->failure));
        create_end(job, JOB_FAILED);
}

void job_create_reported(struct job *job, struct report *report) {
        if (!report || (job->result == JOB_TIMEOUT && report->kind == REPORT_DONE))
                return undo(job);
        if (report->kind == REPORT_DONE)
                return create_end(job, JOB_DONE);

        failure_set(&job->failure, report->failure.code, "%s", failure_text(&report->failure));
        create_end(job, JOB_FAILED);
}

static void create_reported(struct job *job, struct report *report) {
        const struct create_job *create = create_job_of(job);

        if (create->card && report && report->kind == REPORT_FAILED && job->result == JOB_UNDECIDED) {
                if (report->failure.code == FAILURE_NO_AVAILABLE_INSTANCES && try_next_parent(job))
                        return;
                if (report->failure.code == FAILURE_NO_AVAILABLE_INSTANCES)
                        failure_set(&job->failure, FAILURE_NO_AVAILABLE_INSTANCES,
                                    "Cannot create device %s: no parent of card '%s' has an available instance of type "
                                    "'%s' left; stop another device of this card first", job->uuid, create->card,
                                    job->mdev_type);
        }
        job_create_reported(job, report);
}

int job_create_object(const struct job *job, char **ret) {
        return sd_bus_path_encode(BUS_DEVICE_PATH, job->uuid, ret);
}

bool job_create_before_answer(struct job *job, sd_bus_message *reply) {
        struct create_job *create = create_job_of(job);

        job_create_drop_intent(job);
        return reply && create->settle && settle_hand_over(TAKE_PTR(create->settle), reply);
}

void job_create_clear(struct job *job) {
        struct create_job *create = create_job_of(job);

        attributes_clear(&create->attributes);
        settle_free(create->settle);
        for (size_t i = 0; i < create->n_refused; i++)
                free(create->refused[i]);
        free(create->refused);
        free(create->card);
}

static const struct job_type undo_type = {
        .name = "create",
        .action = ACTION_MANAGE_DEVICES,
        .creates = true,
        .cleans_up = true,
        .start = job_undo_start,
        .on_report = job_undo_reported,
        .clear = job_create_clear,
};

static const struct job_type type = {
        .name = "create",
        .size = sizeof(struct create_job),
        .action = ACTION_MANAGE_DEVICES,
        .creates = true,
        .undo = &undo_type,
        .start = create_start,
        .on_assigned = job_create_assigned,
        .on_report = create_reported,
        .answers_uuid = true,
        .object = job_create_object,
        .before_answer = job_create_before_answer,
        .clear = job_create_clear,
};

int job_new_create(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent, const char *mdev_type,
                   struct attributes *attributes) {
        int r;

        r = job_new(ret, jobs, &type, uuid, parent, mdev_type);
        if (r < 0)
                return r;
        create_job_of(*ret)->attributes = *attributes;
        *attributes = (struct attributes) {};
        return 0;
}

int job_settle(struct job *job) {
        assert(job->state == JOB_NEW && job->type->creates && !create_job_of(job)->settle);

        return settle_new(&create_job_of(job)->settle, job->jobs, job->uuid);
}

int job_set_card(struct job *job, const char *card) {
        assert(job->state == JOB_NEW && job->type == &type);

        create_job_of(job)->card = strdup(card);
        return create_job_of(job)->card ? 0 : -ENOMEM;
}
