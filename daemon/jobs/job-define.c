/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs of the kinds "define", "modify" and "undefine": a worker writes the store, then the daemon reads what is
 * there. */

#include "common/bus-names.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/registry/device.h"

struct definition_job {
        struct job job;
        struct definition_changes changes;
        struct attributes attributes;   /* modify: the attributes that the running device gets */
        bool asks_callout;              /* define: whether a callout is to be asked for the device's attributes */
        bool live;                      /* modify: whether the running device is still to be changed */
        bool defined;                   /* modify: whether the definition is to be changed */
        bool parent_given;              /* undefine: whether the request names the parent */
};

static struct definition_job *definition_job_of(struct job *job) {
        return CONTAINER_OF(job, struct definition_job, job);
}

/* Has a worker do the main task of the job. */
static void work(struct job *job) {
        job_work(job, &(struct task) { .kind = job->type->task, .changes = definition_job_of(job)->changes });
}

static void define_work(struct job *job) {
        if (definition_job_of(job)->asks_callout)
                return job_work(job, &(struct task) { .kind = TASK_GET_ATTRIBUTES });
        work(job);
}

/* A definition without a type gets that of the active device, and the attributes that a callout knows of it. Without a
 * callout these are the ones that we have given to the device. */
static void define_start(struct job *job) {
        struct definition_job *define = definition_job_of(job);
        struct definition_changes *changes = &define->changes;
        struct device *device;

        if (changes->type)
                return define_work(job);

        device = device_look_for(job->jobs->registry, job->uuid);
        if (!device || device->state != DEVICE_ACTIVE || !streq(device->parent, job->parent))
                return job_fail(job, FAILURE_INVALID_ARGS,
                                "Device %s is not active on parent '%s': its definition needs a type", job->uuid,
                                job->parent);
        if (!job_check_grants(job, ACTION_MANAGE_DEFINITIONS, device->parent, device->type))
                return;
        changes->type = strdup(device->type);
        if (!changes->type)
                return job_fail_memory(job);
        if (changes->attributes.n == 0) {
                define->asks_callout = true;
                changes->set_attributes = true;
                if (job_set_target(job, device->parent, device->type) < 0 ||
                    attributes_copy(&device->attributes, &changes->attributes) < 0)
                        return job_fail_memory(job);
        }
        define_work(job);
}

static void attributes_reported(struct job *job, struct report *report) {
        struct definition_job *define = definition_job_of(job);

        if (!report)
                return job_fail(job, FAILURE_IO_ERROR,
                                "The worker that asked for the attributes of device %s died; ask again", job->uuid);
        if (report->kind == REPORT_FAILED)
                return job_fail(job, report->failure.code, "%s", failure_text(&report->failure));
        if (job->result == JOB_TIMEOUT)
                return job_finish(job, JOB_TIMEOUT);

        if (report->has_attributes) {
                attributes_clear(&define->changes.attributes);
                define->changes.attributes = report->attributes;
                report->attributes = (struct attributes) {};
        }
        define->asks_callout = false;
        work(job);
}

static bool finish_failed(struct job *job, const struct report *report) {
        if (!report) {
                /* The worker may have left a temporary file. */
                store_clean(&job->jobs->store_clean);
                job_fail(job, FAILURE_IO_ERROR,
                         "The worker that was writing definition %s of parent '%s' died; the old or the new one is "
                         "stored. Check which, and try again", job->uuid, job->parent);
                return true;
        }
        if (report->kind == REPORT_FAILED) {
                job_fail(job, report->failure.code, "%s", failure_text(&report->failure));
                return true;
        }
        return false;
}

/* The store comes first: a caller must find there what the reply says. After a success the file's name is known to be
 * one of the store's, because the worker has found it. */
static void look_at_file(struct job *job, const struct report *report) {
        if (report && report->kind == REPORT_DONE)
                (void) store_written(job->jobs->store, job->parent, job->uuid);
        else
                (void) store_refresh(job->jobs->store, job->parent, job->uuid);
}

static void write_reported(struct job *job, struct report *report) {
        look_at_file(job, report);
        if (!finish_failed(job, report))
                job_finish(job, JOB_DONE);
}

static void define_reported(struct job *job, struct report *report) {
        if (definition_job_of(job)->asks_callout)
                return attributes_reported(job, report);
        write_reported(job, report);
}

/* The running device comes first: if that failed, the change of a definition could not be taken back. */
static void modify_start(struct job *job) {
        struct definition_job *modify = definition_job_of(job);
        struct stored_definition *definition;
        struct device *device;

        if (modify->defined && job->caller.grants) {
                definition = store_refresh(job->jobs->store, job->parent, job->uuid);
                if (!job_check_grants(job, ACTION_MANAGE_DEFINITIONS, job->parent,
                                      definition ? definition->type : NULL))
                        return;
        }
        if (!modify->live)
                return work(job);

        device = device_look_for(job->jobs->registry, job->uuid);
        if (!device || device->state != DEVICE_ACTIVE || !streq(device->parent, job->parent))
                return job_fail(job, FAILURE_NO_SUCH_DEVICE, "Device %s is not active on parent '%s'", job->uuid,
                                job->parent);
        if (!job_check_grants(job, ACTION_MANAGE_DEVICES, device->parent, device->type))
                return;
        attributes_clear(&modify->attributes);
        if (job_set_target(job, device->parent, device->type) < 0 ||
            attributes_copy(&modify->changes.attributes, &modify->attributes) < 0)
                return job_fail_memory(job);
        job_work(job, &(struct task) { .kind = TASK_LIVE, .attributes = modify->attributes });
}

static void live_done(struct job *job) {
        struct device *device = device_refresh(job->jobs->registry, job->uuid);
        struct definition_job *modify = definition_job_of(job);

        modify->live = false;
        if (device) {
                attributes_clear(&device->attributes);
                device->attributes = modify->attributes;
                modify->attributes = (struct attributes) {};
        }
        if (!modify->defined || job->result == JOB_TIMEOUT)
                return job_finish(job, JOB_DONE);

        work(job);
}

static void modify_reported(struct job *job, struct report *report) {
        if (definition_job_of(job)->live && report && report->kind == REPORT_DONE)
                return live_done(job);
        write_reported(job, report);
}

/* Without a parent, one definition after the other is removed, until no parent defines the UUID any more. */
static void undefine_start(struct job *job) {
        struct stored_definition *definition;
        const char *parent = job->parent;

        if (!definition_job_of(job)->parent_given) {
                store_look_for(job->jobs->store, job->uuid);
                if (store_find_all(job->jobs->store, job->uuid, &definition, 1) == 0)
                        return job_fail(job, FAILURE_NOT_DEFINED, "Device %s is not defined", job->uuid);
                parent = definition->directory->parent;
        } else
                definition = store_refresh(job->jobs->store, parent, job->uuid);

        if (job_set_target(job, parent, definition ? definition->type : NULL) < 0)
                return job_fail_memory(job);
        if (!job_check_grants(job, ACTION_MANAGE_DEFINITIONS, job->parent, job->mdev_type))
                return;
        work(job);
}

static void undefine_reported(struct job *job, struct report *report) {
        struct stored_definition *definition;

        look_at_file(job, report);
        if (finish_failed(job, report))
                return;
        if (!definition_job_of(job)->parent_given && job->result == JOB_UNDECIDED &&
            store_find_all(job->jobs->store, job->uuid, &definition, 1) > 0)
                return undefine_start(job);
        job_finish(job, JOB_DONE);
}

static int definition_object(const struct job *job, char **ret) {
        return sd_bus_path_encode_many(ret, BUS_DEFINITION_PATH "/%/%", job->parent, job->uuid);
}

static int modified_object(const struct job *job, char **ret) {
        if (store_find(job->jobs->store, job->parent, job->uuid))
                return definition_object(job, ret);
        /* A transient device that was changed while it runs has no definition. */
        *ret = strdup("/");
        return *ret ? 0 : -ENOMEM;
}

static bool modify_changes_device(const struct job *job) {
        return definition_job_of((struct job *) job)->live;
}

static void modify_keep_error(const struct job *job, const struct failure *error) {
        struct device *device = device_find(job->jobs->registry, job->uuid);

        if (device && modify_changes_device(job))
                device_set_error(device, error);
}

static void clear(struct job *job) {
        struct definition_job *definition = definition_job_of(job);

        definition_changes_clear(&definition->changes);
        attributes_clear(&definition->attributes);
}

static const struct job_type define_type = {
        .name = "define",
        .size = sizeof(struct definition_job),
        .action = ACTION_MANAGE_DEFINITIONS,
        .tells_interruption = true,
        .task = TASK_DEFINE,
        .start = define_start,
        .on_report = define_reported,
        .answers_uuid = true,
        .object = definition_object,
        .clear = clear,
};

static const struct job_type modify_type = {
        .name = "modify",
        .size = sizeof(struct definition_job),
        .action = ACTION_MANAGE_DEFINITIONS,
        .tells_interruption = true,
        .task = TASK_MODIFY,
        .start = modify_start,
        .on_report = modify_reported,
        .object = modified_object,
        .changes_device = modify_changes_device,
        .keep_error = modify_keep_error,
        .clear = clear,
};

static const struct job_type undefine_type = {
        .name = "undefine",
        .size = sizeof(struct definition_job),
        .action = ACTION_MANAGE_DEFINITIONS,
        .tells_interruption = true,
        .task = TASK_UNDEFINE,
        .ends_waiting = "undefined",
        .start = undefine_start,
        .on_report = undefine_reported,
        .clear = clear,
};

static int new_job(struct job **ret, struct jobs *jobs, const struct job_type *type, const char *uuid,
                   const char *parent, struct definition_changes *changes) {
        int r;

        r = job_new(ret, jobs, type, uuid, parent, NULL);
        if (r < 0)
                return r;
        definition_job_of(*ret)->changes = *changes;
        *changes = (struct definition_changes) {};
        return 0;
}

int job_new_define(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent,
                   struct definition_changes *changes) {
        return new_job(ret, jobs, &define_type, uuid, parent, changes);
}

int job_new_modify(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent,
                   struct definition_changes *changes, bool live, bool defined) {
        int r;

        r = new_job(ret, jobs, &modify_type, uuid, parent, changes);
        if (r < 0)
                return r;
        definition_job_of(*ret)->live = live;
        definition_job_of(*ret)->defined = defined;
        return 0;
}

int job_new_undefine(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent) {
        int r;

        r = job_new(ret, jobs, &undefine_type, uuid, parent, NULL);
        if (r < 0)
                return r;
        definition_job_of(*ret)->parent_given = parent;
        return 0;
}
