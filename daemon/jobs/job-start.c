/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs of kind "start": the device of a definition is created, or is active already. With the option `wait` such a job
 * waits for its parent, its type and a free instance, see waiting.h. */

#include "common/name.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/job-create.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/waiting.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"

/* How many parents an error names, if several of them define the UUID. */
#define PARENTS_NAMED 8

struct start_job {
        struct create_job create;
        bool parent_given;              /* whether the request names the parent */
        char *waits_for;                /* a sentence that says what it waited for last, or NULL */
};

static struct start_job *start_job_of(struct job *job) {
        return CONTAINER_OF(job, struct start_job, create.job);
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

/* What the file says now counts, and not what was known. Returns NULL if the job has failed. */
static struct stored_definition *find_definition(struct job *job) {
        struct stored_definition *definitions[PARENTS_NAMED], *definition;
        struct store *store = job->jobs->store;
        size_t n;

        if (start_job_of(job)->parent_given) {
                definition = store_refresh(store, job->parent, job->uuid);
                if (!definition)
                        job_fail(job, FAILURE_NOT_DEFINED, "Device %s is not defined for parent '%s'; 'mediatectl "
                                 "list' shows all definitions", job->uuid, job->parent);
                return definition;
        }

        store_look_for(store, job->uuid);
        n = store_find_all(store, job->uuid, definitions, PARENTS_NAMED);
        if (n == 1)
                return definitions[0];
        if (n > 1)
                fail_ambiguous(job, definitions, n);
        else
                job_fail(job, FAILURE_NOT_DEFINED, "Device %s is not defined; define it first, or create it "
                         "without a definition", job->uuid);
        return NULL;
}

static int take_definition(struct job *job, const struct stored_definition *definition) {
        struct create_job *create = create_job_of(job);
        int r;

        create->start = definition->start;
        r = job_set_target(job, definition->directory->parent, definition->type);
        if (r < 0)
                return r;
        attributes_clear(&create->attributes);
        return attributes_copy(&definition->attributes, &create->attributes);
}

static void wait_outside(struct job *job) {
        struct start_job *start = start_job_of(job);

        free(start->waits_for);
        start->waits_for = TAKE_PTR(job->failure.message);
        waiting_begin(job);
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
                return job_fail_memory(job);
        if (!job_check_grants(job, ACTION_MANAGE_DEVICES, job->parent, job->mdev_type))
                return;

        device = device_refresh(job->jobs->registry, job->uuid);
        if (device && streq(device->parent, job->parent)) {
                if (device->state == DEVICE_ACTIVE)
                        return job_finish(job, JOB_DONE);
                if (device_is_in_transition(device))
                        return job_park(job, USEC_INFINITY);
        }
        if (device)
                return job_create_fail_exists(job, device);

        if (job_create_prepare(job) < 0) {
                if (is_worth_waiting(job, job->failure.code))
                        return wait_outside(job);
                return job_finish(job, JOB_FAILED);
        }
        job_create_work(job);
}

static void start_reported(struct job *job, struct report *report) {
        if (report && report->kind == REPORT_FAILED && is_worth_waiting(job, report->failure.code)) {
                job_create_drop_intent(job);
                failure_set(&job->failure, report->failure.code, "%s", failure_text(&report->failure));
                return wait_outside(job);
        }

        job_create_reported(job, report);
}

static const char *waits_for(const struct job *job) {
        return start_job_of((struct job *) job)->waits_for;
}

static void keep_error(const struct job *job, const struct failure *error) {
        struct stored_definition *definition;

        definition = job->parent ? store_find(job->jobs->store, job->parent, job->uuid) : NULL;
        if (definition)
                stored_definition_set_error(definition, error);
}

static void clear(struct job *job) {
        free(start_job_of(job)->waits_for);
        job_create_clear(job);
}

static const struct job_type undo_type = {
        .name = "start",
        .action = ACTION_MANAGE_DEVICES,
        .creates = true,
        .cleans_up = true,
        .start = job_undo_start,
        .on_report = job_undo_reported,
        .keep_error = keep_error,
        .clear = clear,
};

static const struct job_type type = {
        .name = "start",
        .size = sizeof(struct start_job),
        .action = ACTION_MANAGE_DEVICES,
        .creates = true,
        .undo = &undo_type,
        .start = start_start,
        .on_assigned = job_create_assigned,
        .on_report = start_reported,
        .object = job_create_object,
        .before_answer = job_create_before_answer,
        .waits_for = waits_for,
        .keep_error = keep_error,
        .clear = clear,
};

int job_new_start(struct job **ret, struct jobs *jobs, const char *uuid, const char *parent) {
        int r;

        r = job_new(ret, jobs, &type, uuid, parent, NULL);
        if (r < 0)
                return r;
        start_job_of(*ret)->parent_given = parent;
        return 0;
}
