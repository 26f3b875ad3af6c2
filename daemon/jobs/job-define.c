/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs "define", "modify" and "undefine": a worker writes the store, then the daemon reads what is there. */

#include <errno.h>

#include "common/bus-names.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/job.h"
#include "daemon/manager.h"
#include "daemon/registry/device.h"

/* Define without a type: that of the active device, with the attributes that a callout tells of it, else those it got
 * from us. */
static void define_start(struct job *job) {
        struct definition_changes *changes = &job->work.task.changes;
        struct task *task = &job->work.task;
        struct device *device;

        if (changes->type)
                return job_work(job);

        device = device_look_for(job->manager->registry, job->uuid);
        if (!device || device->state != DEVICE_ACTIVE || !streq(device->parent, job->work.task.parent))
                return job_fail(job, FAILURE_INVALID_ARGS,
                                "Device %s is not active on parent '%s': its definition needs a type", job->uuid,
                                job->work.task.parent);
        if (!job_check_grants(job, ACTION_MANAGE_DEFINITIONS, device->parent, device->type))
                return;
        if (changes->attributes.n == 0) {
                task->kind = TASK_GET_ATTRIBUTES;
                changes->set_attributes = true;
                task->type = strdup(device->type);
        }
        changes->type = strdup(device->type);
        if (!changes->type || (task->kind == TASK_GET_ATTRIBUTES &&
                               (!task->type || attributes_copy(&device->attributes, &changes->attributes) < 0)))
                return job_fail(job, FAILURE_IO_ERROR, "Device %s: out of memory", job->uuid);
        job_work(job);
}

static void attributes_reported(struct job *job, struct report *report) {
        struct task *task = &job->work.task;

        if (!report)
                return job_fail(job, FAILURE_IO_ERROR,
                                "The worker that asked for the attributes of device %s died; ask again", job->uuid);
        if (report->kind == REPORT_FAILED)
                return job_fail(job, report->failure.code, "%s", failure_text(&report->failure));
        if (job->result == JOB_TIMEOUT)
                return job_finish(job, JOB_TIMEOUT);

        if (report->has_attributes) {
                attributes_clear(&task->changes.attributes);
                task->changes.attributes = report->attributes;
                report->attributes = (struct attributes) {};
        }
        task->kind = TASK_DEFINE;
        job_work(job);
}

static bool finish_failed(struct job *job, const struct report *report) {
        if (!report) {
                /* It may have left a temporary file. */
                manager_clean_store(job->manager);
                job_fail(job, FAILURE_IO_ERROR,
                         "The worker that was writing definition %s of parent '%s' died; the old or the new one is "
                         "stored, look and ask again", job->uuid, job->work.task.parent);
                return true;
        }
        if (report->kind == REPORT_FAILED) {
                job_fail(job, report->failure.code, "%s", failure_text(&report->failure));
                return true;
        }
        return false;
}

/* The table first: what the reply says must be found in it. A worker that has written or removed the file has found
 * it. */
static void look_at_file(struct job *job, const struct report *report) {
        const char *parent = job->work.task.parent;

        if (report && report->kind == REPORT_DONE)
                (void) store_written(job->manager->store, parent, job->uuid);
        else
                (void) store_refresh(job->manager->store, parent, job->uuid);
}

static void write_reported(struct job *job, struct report *report) {
        look_at_file(job, report);
        if (!finish_failed(job, report))
                job_finish(job, JOB_DONE);
}

static void define_reported(struct job *job, struct report *report) {
        if (job->work.task.kind == TASK_GET_ATTRIBUTES)
                return attributes_reported(job, report);
        write_reported(job, report);
}

/* The running device first: a definition that is changed already could not be given back when that fails. */
static void modify_start(struct job *job) {
        struct stored_definition *definition;
        struct task *task = &job->work.task;
        struct device *device;

        if (job->defined && job->grants) {
                definition = store_refresh(job->manager->store, task->parent, job->uuid);
                if (!job_check_grants(job, ACTION_MANAGE_DEFINITIONS, task->parent,
                                      definition ? definition->type : NULL))
                        return;
        }
        if (!job->live)
                return job_work(job);

        device = device_look_for(job->manager->registry, job->uuid);
        if (!device || device->state != DEVICE_ACTIVE || !streq(device->parent, task->parent))
                return job_fail(job, FAILURE_NO_SUCH_DEVICE, "Device %s is not active on parent '%s'", job->uuid,
                                task->parent);
        if (!job_check_grants(job, ACTION_MANAGE_DEVICES, device->parent, device->type))
                return;
        task->kind = TASK_LIVE;
        free(task->type);
        task->type = strdup(device->type);
        attributes_clear(&task->attributes);
        if (!task->type || attributes_copy(&task->changes.attributes, &task->attributes) < 0)
                return job_fail(job, FAILURE_IO_ERROR, "Device %s: out of memory", job->uuid);
        job_work(job);
}

static void live_done(struct job *job) {
        struct device *device = device_refresh(job->manager->registry, job->uuid);

        job->live = false;
        if (device) {
                attributes_clear(&device->attributes);
                device->attributes = job->work.task.attributes;
                job->work.task.attributes = (struct attributes) {};
        }
        if (!job->defined || job->result == JOB_TIMEOUT)
                return job_finish(job, JOB_DONE);

        job->work.task.kind = TASK_MODIFY;
        job_work(job);
}

static void modify_reported(struct job *job, struct report *report) {
        if (job->live && report && report->kind == REPORT_DONE)
                return live_done(job);
        write_reported(job, report);
}

/* Without a parent: one after the other, until no parent defines the UUID any more. */
static void undefine_start(struct job *job) {
        struct stored_definition *definition;

        if (!job->parent_given) {
                store_look_for(job->manager->store, job->uuid);
                if (store_find_all(job->manager->store, job->uuid, &definition, 1) == 0)
                        return job_fail(job, FAILURE_NOT_DEFINED, "Device %s is not defined", job->uuid);
                free(job->work.task.parent);
                job->work.task.parent = strdup(definition->directory->parent);
        } else
                definition = store_refresh(job->manager->store, job->work.task.parent, job->uuid);

        free(job->work.task.type);
        job->work.task.type = definition && definition->type ? strdup(definition->type) : NULL;
        if (!job->work.task.parent)
                return job_fail(job, FAILURE_IO_ERROR, "Device %s: out of memory", job->uuid);
        if (!job_check_grants(job, ACTION_MANAGE_DEFINITIONS, job->work.task.parent, job->work.task.type))
                return;
        job_work(job);
}

static void undefine_reported(struct job *job, struct report *report) {
        struct stored_definition *definition;

        look_at_file(job, report);
        if (finish_failed(job, report))
                return;
        if (!job->parent_given && job->result == JOB_UNDECIDED &&
            store_find_all(job->manager->store, job->uuid, &definition, 1) > 0)
                return undefine_start(job);
        job_finish(job, JOB_DONE);
}

static int definition_path(struct job *job, char **ret) {
        return sd_bus_path_encode_many(ret, BUS_DEFINITION_PATH "/%/%", job->work.task.parent, job->uuid);
}

static int define_append_reply(struct job *job, sd_bus_message *reply) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = definition_path(job, &path);
        if (r < 0)
                return r;
        return sd_bus_message_append(reply, "so", job->uuid, path);
}

static int modify_append_reply(struct job *job, sd_bus_message *reply) {
        _cleanup_free_ char *path = NULL;
        int r;

        /* A transient device that was changed while it runs has no definition. */
        if (!store_find(job->manager->store, job->work.task.parent, job->uuid))
                return sd_bus_message_append(reply, "o", "/");

        r = definition_path(job, &path);
        if (r < 0)
                return r;
        return sd_bus_message_append(reply, "o", path);
}

const struct job_type job_type_define = {
        .name = "define",
        .start = define_start,
        .on_report = define_reported,
        .append_reply = define_append_reply,
};

const struct job_type job_type_modify = {
        .name = "modify",
        .start = modify_start,
        .on_report = modify_reported,
        .append_reply = modify_append_reply,
};

const struct job_type job_type_undefine = {
        .name = "undefine",
        .start = undefine_start,
        .on_report = undefine_reported,
};
