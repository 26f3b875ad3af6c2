/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests about definitions. */

#include "daemon/definition-requests.h"

#include <errno.h>

#include "common/name.h"
#include "daemon/bus-util.h"
#include "daemon/changes.h"
#include "daemon/device.h"
#include "daemon/job-start.h"
#include "daemon/job.h"
#include "daemon/manager.h"
#include "daemon/options.h"
#include "daemon/requests.h"
#include "daemon/settle.h"
#include "daemon/store.h"

/* The parts that all of them have. @ret_uuid: @text in normal form. */
static int begin(struct manager *manager, sd_bus_message *message, const char *text, const char *parent,
                 char ret_uuid[static UUID_TEXT_SIZE]) {
        const char *reason;
        int r;

        r = request_refuse_draining(manager, message);
        if (r != 0)
                return r;
        if (uuid_normalize(text, ret_uuid) < 0)
                return bus_fail_uuid(message, text);
        if (*parent && parent_name_check(parent, &reason) < 0)
                return bus_fail(message, FAILURE_INVALID_ARGS, "Device %s: '%.255s' cannot be the name of a parent: it %s",
                                ret_uuid, parent, reason);
        return 0;
}

static int make_job(struct manager *manager, const struct job_type *type, const char *uuid, const char *parent,
                    struct job **ret) {
        _cleanup_(job_freep) struct job *job = NULL;
        int r;

        r = job_new(&job, manager, type, uuid);
        if (r < 0)
                return r;
        if (*parent) {
                job->parent_given = true;
                job->work.task.parent = strdup(parent);
                if (!job->work.task.parent)
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(job);
        return 0;
}

static int accept_made(struct manager *manager, sd_bus_message *message, struct job **job, const struct options *options) {
        int r;

        r = request_accept(manager, message, *job, options);
        if (r != 0)
                return r;
        TAKE_PTR(*job);
        return 1;
}

/* An active device lends its parent. */
static const char *lend_parent(struct manager *manager, const char *uuid, const char *parent) {
        struct device *device = *parent ? NULL : device_find(manager, uuid);

        return device ? device->parent : parent;
}

int request_define(struct manager *manager, sd_bus_message *message) {
        _cleanup_(job_freep) struct job *job = NULL;
        _cleanup_definition_changes_ struct definition_changes changes = {};
        struct options options = { .timeout = JOB_TIMEOUT_USEC_DEFAULT };
        const char *text, *parent, *type, *start, *reason;
        char uuid[UUID_TEXT_SIZE], random[UUID_TEXT_SIZE];
        int r;

        r = sd_bus_message_read(message, "ssss", &text, &parent, &type, &start);
        if (r < 0)
                return r;
        if (!*text) {
                uuid_random(random);
                text = random;
        }
        r = begin(manager, message, text, parent, uuid);
        if (r != 0)
                return r;
        parent = lend_parent(manager, uuid, parent);
        if (!*parent)
                return bus_fail(message, FAILURE_INVALID_ARGS, "Device %s is not active: its definition needs a parent",
                                uuid);
        if (*type && type_name_check(type, &reason) < 0)
                return bus_fail(message, FAILURE_INVALID_ARGS, "Device %s: '%.255s' cannot be the name of a type: it %s",
                                uuid, type, reason);

        r = changes_read_start(message, start, &changes);
        if (r != 0)
                return r;
        r = request_read_attributes(message, uuid, &changes.attributes);
        if (r != 0)
                return r;
        changes.set_attributes = changes.attributes.n > 0;
        r = options_read(message, OPTION_TIMEOUT | OPTION_FORCE, &options);
        if (r != 0)
                return r;

        r = make_job(manager, &job_type_define, uuid, parent, &job);
        if (r < 0)
                return r;
        if (*type) {
                changes.type = strdup(type);
                if (!changes.type)
                        return -ENOMEM;
        }
        job->work.task.kind = TASK_DEFINE;
        job->work.task.changes = changes;
        changes = (struct definition_changes) {};
        return accept_made(manager, message, &job, &options);
}

int definition_resolve_parent(struct manager *manager, sd_bus_message *message, const char *uuid, const char **parent) {
        struct stored_definition *definitions[2];
        size_t n;

        if (**parent)
                return 0;

        store_look_for(manager->store, uuid);
        n = store_find_all(manager->store, uuid, definitions, ELEMENTSOF(definitions));
        if (n == 0)
                return bus_fail(message, FAILURE_NOT_DEFINED, "Device %s is not defined", uuid);
        if (n > 1)
                return bus_fail(message, FAILURE_AMBIGUOUS_DEFINITION,
                                "Device %s is defined for %zu parents, '%s' and '%s' among them; name the one that is meant",
                                uuid, n, definitions[0]->directory->parent, definitions[1]->directory->parent);

        *parent = definitions[0]->directory->parent;
        return 0;
}

/* A running device is changed as a whole: its callout gets all of its attributes. */
static bool changes_attributes_alone(const struct definition_changes *changes) {
        return changes->set_attributes && !changes->type && !changes->set_start && changes->n_list == 0;
}

static int read_modify_options(sd_bus_message *message, const char *uuid, const struct definition_changes *changes,
                               struct options *ret) {
        int r;

        *ret = (struct options) { .timeout = JOB_TIMEOUT_USEC_DEFAULT };
        r = options_read(message, OPTION_TIMEOUT | OPTION_FORCE | OPTION_LIVE | OPTION_DEFINED, ret);
        if (r != 0)
                return r;

        /* Neither of the two said: the definition. */
        if (!ret->live)
                ret->defined = true;
        if (ret->live && !changes_attributes_alone(changes))
                return bus_fail(message, FAILURE_INVALID_ARGS,
                                "Device %s: a running device can be given other attributes, all of them at once; nothing else",
                                uuid);
        return 0;
}

int request_modify(struct manager *manager, sd_bus_message *message, const char *text, const char *parent) {
        _cleanup_(job_freep) struct job *job = NULL;
        _cleanup_definition_changes_ struct definition_changes changes = {};
        struct options options;
        char uuid[UUID_TEXT_SIZE];
        int r;

        r = begin(manager, message, text, parent, uuid);
        if (r != 0)
                return r;
        r = changes_read(message, uuid, &changes);
        if (r != 0)
                return r;
        r = read_modify_options(message, uuid, &changes, &options);
        if (r != 0)
                return r;
        if (options.live)
                parent = lend_parent(manager, uuid, parent);
        r = definition_resolve_parent(manager, message, uuid, &parent);
        if (r != 0)
                return r;

        r = make_job(manager, &job_type_modify, uuid, parent, &job);
        if (r < 0)
                return r;
        job->live = options.live;
        job->defined = options.defined;
        job->work.task.kind = TASK_MODIFY;
        job->work.task.changes = changes;
        changes = (struct definition_changes) {};
        return accept_made(manager, message, &job, &options);
}

int request_undefine(struct manager *manager, sd_bus_message *message, const char *text, const char *parent) {
        _cleanup_(job_freep) struct job *job = NULL;
        struct options options = { .timeout = JOB_TIMEOUT_USEC_DEFAULT };
        char uuid[UUID_TEXT_SIZE];
        int r;

        r = begin(manager, message, text, parent, uuid);
        if (r != 0)
                return r;
        r = options_read(message, OPTION_TIMEOUT | OPTION_FORCE, &options);
        if (r != 0)
                return r;

        r = make_job(manager, &job_type_undefine, uuid, parent, &job);
        if (r < 0)
                return r;
        job->work.task.kind = TASK_UNDEFINE;
        r = accept_made(manager, message, &job, &options);
        if (r > 0 && !job)
                start_cancel_waiting(manager, uuid, "undefined");
        return r;
}

int request_start(struct manager *manager, sd_bus_message *message, const char *text, const char *parent) {
        _cleanup_(job_freep) struct job *job = NULL;
        struct options options = { .timeout = OPTION_TIMEOUT_UNSET };
        char uuid[UUID_TEXT_SIZE];
        int r;

        r = begin(manager, message, text, parent, uuid);
        if (r != 0)
                return r;
        r = options_read(message, OPTION_TIMEOUT | OPTION_SETTLE | OPTION_WAIT | OPTION_FORCE, &options);
        if (r != 0)
                return r;
        /* Waiting for hardware has no natural end. */
        if (options.timeout == OPTION_TIMEOUT_UNSET)
                options.timeout = options.wait ? 0 : JOB_TIMEOUT_USEC_DEFAULT;

        r = make_job(manager, &job_type_start, uuid, parent, &job);
        if (r < 0)
                return r;
        job->work.task.kind = TASK_CREATE;
        job->wait = options.wait;
        if (options.settle) {
                r = settle_new(&job->settle, manager, uuid);
                if (r < 0)
                        return r;
        }
        return accept_made(manager, message, &job, &options);
}
