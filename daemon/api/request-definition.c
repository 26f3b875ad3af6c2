/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests about definitions. */

#include "daemon/api/request-definition.h"

#include <errno.h>

#include "daemon/api/arguments.h"
#include "daemon/api/manager.h"
#include "daemon/api/request-changes.h"
#include "daemon/api/request-device.h"
#include "daemon/api/request-options.h"
#include "daemon/bus/bus-util.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/peers/authorization.h"
#include "daemon/peers/scheduler.h"
#include "daemon/registry/device.h"

/* The part that all requests have in common, once their UUID is known. */
static int begin(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid) {
        int r;

        r = request_refuse_draining(manager, message);
        if (r != 0)
                return r;
        /* polkit is told the parent and the type. This may free definitions, so that it comes before one is looked for.
         * */
        if (!scheduler_serves_root(manager->scheduler, message))
                store_look_for(manager->store, uuid->text);
        return 0;
}

/* Where the caller has named no parent, it is that of the active device. */
static void lend_parent(struct manager *manager, const struct uuid_text *uuid, struct parent_name *parent) {
        const struct device *device = *parent->text ? NULL : device_find(manager->registry, uuid->text);

        if (device)
                (void) parent_name_set(parent, device->parent);
}

/* The type as the file had it when it was read last. The job reads it again. */
static const char *type_of_definition(struct manager *manager, const struct uuid_text *uuid,
                                      const struct parent_name *parent) {
        const struct stored_definition *definition = store_find(manager->store, parent->text, uuid->text);

        return definition && definition->type ? definition->type : "";
}

static const char *type_of_device(struct manager *manager, const struct uuid_text *uuid) {
        const struct device *device = device_find(manager->registry, uuid->text);

        return device && device->type ? device->type : "";
}

/* Whether there may be another definition. Each unfinished job counts as one, since it might make one. */
static bool may_be_new(struct manager *manager, sd_bus_message *message, const struct parent_name *parent,
                       const struct uuid_text *uuid) {
        return scheduler_serves_root(manager->scheduler, message) ||
               manager->store->n_definitions + jobs_count(manager->jobs) < DEFINITIONS_MAX ||
               store_refresh(manager->store, parent->text, uuid->text);
}

/* The arguments of Define. */
struct new_definition {
        struct uuid_text uuid;
        bool random;                    /* whether the caller gave no UUID */
        struct parent_name parent;
        struct type_name type;          /* empty: the device's */
        struct definition_changes contents;
        struct options options;
};

static int read_contents(sd_bus_message *message, struct new_definition *ret) {
        int r;

        r = argument_read_optional_type(message, &ret->uuid, &ret->type);
        if (r == 0)
                r = argument_read_start(message, &ret->contents.start);
        if (r == 0)
                r = argument_read_attributes(message, &ret->uuid, &ret->contents.attributes);
        if (r != 0)
                return r;

        ret->contents.set_start = true;
        ret->contents.set_attributes = ret->contents.attributes.n > 0;
        ret->contents.type = *ret->type.text ? strdup(ret->type.text) : NULL;
        return *ret->type.text && !ret->contents.type ? -ENOMEM : 0;
}

static int read_new_definition(sd_bus_message *message, struct new_definition *ret) {
        int r;

        r = argument_read_new_uuid(message, &ret->uuid, &ret->random);
        if (r == 0)
                r = argument_read_optional_parent(message, &ret->uuid, FAILURE_INVALID_ARGS, &ret->parent);
        if (r == 0)
                r = read_contents(message, ret);
        if (r == 0)
                r = options_read(message, 0, &ret->options);
        return r;
}

static int authorize_define(struct manager *manager, sd_bus_message *message, const struct new_definition *new,
                            struct grants **ret) {
        const char *type = *new->type.text ? new->type.text : type_of_device(manager, &new->uuid);

        return authorize(manager->authorizations, message, VERB_DEFINE, new->random ? "" : new->uuid.text,
                         &(struct need) { ACTION_MANAGE_DEFINITIONS, new->parent.text, type }, 1, ret);
}

/* The job gets the contents. */
static int define(struct manager *manager, sd_bus_message *message, struct new_definition *new) {
        _cleanup_(grants_freep) struct grants *grants = NULL;
        _cleanup_(job_unrefp) struct job *job = NULL;
        int r;

        lend_parent(manager, &new->uuid, &new->parent);
        if (!*new->parent.text)
                return bus_fail(message, FAILURE_INVALID_ARGS, "Device %s is not active: its definition needs a parent",
                                new->uuid.text);
        r = authorize_define(manager, message, new, &grants);
        if (r != 0)
                return r;
        if (!may_be_new(manager, message, &new->parent, &new->uuid))
                return bus_fail(message, FAILURE_LIMITS_EXCEEDED,
                                "Device %s: there are %d definitions and unfinished jobs already; undefine what is not "
                                "used",
                                new->uuid.text, DEFINITIONS_MAX);

        r = job_new_define(&job, manager->jobs, new->uuid.text, new->parent.text, &new->contents);
        if (r < 0)
                return r;
        job->caller.grants = TAKE_PTR(grants);
        return request_accept(manager, message, job, &new->options);
}

int request_define(struct manager *manager, sd_bus_message *message) {
        struct new_definition new = { .options.timeout = JOB_TIMEOUT_USEC_DEFAULT };
        int r;

        r = read_new_definition(message, &new);
        if (r == 0)
                r = begin(manager, message, &new.uuid);
        if (r == 0)
                r = define(manager, message, &new);
        definition_changes_clear(&new.contents);
        return r;
}

int definition_resolve_parent(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                              struct parent_name *parent) {
        struct stored_definition *definitions[2];
        size_t n;

        if (*parent->text)
                return 0;

        store_look_for(manager->store, uuid->text);
        n = store_find_all(manager->store, uuid->text, definitions, ELEMENTSOF(definitions));
        if (n == 0)
                return bus_fail(message, FAILURE_NOT_DEFINED, "Device %s is not defined", uuid->text);
        if (n > 1)
                return bus_fail(message, FAILURE_AMBIGUOUS_DEFINITION,
                                "Device %s is defined for %zu parents, '%s' and '%s' among them; name the one that is "
                                "meant",
                                uuid->text, n, definitions[0]->directory->parent, definitions[1]->directory->parent);

        return parent_name_set(parent, definitions[0]->directory->parent);
}

/* A running device is changed as a whole: its callout gets all of its attributes. */
static bool changes_attributes_alone(const struct definition_changes *changes) {
        return changes->set_attributes && !changes->type && !changes->set_start && changes->n_list == 0;
}

static int read_modify_options(sd_bus_message *message, const struct uuid_text *uuid,
                               const struct definition_changes *changes, struct options *ret) {
        int r;

        *ret = (struct options) { .timeout = JOB_TIMEOUT_USEC_DEFAULT };
        r = options_read(message, OPTION_LIVE | OPTION_DEFINED, ret);
        if (r != 0)
                return r;

        /* Without "live" or "defined", the definition is changed. */
        if (!ret->live)
                ret->defined = true;
        if (ret->live && !changes_attributes_alone(changes))
                return bus_fail(message, FAILURE_INVALID_ARGS,
                                "Device %s: a running device can be given other attributes, all of them at once; "
                                "nothing else",
                                uuid->text);
        return 0;
}

/* If the definition gets another type, both types are needed: a caller that may change definitions of one type must
 * neither take one of another type nor make one. */
static int authorize_modify(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                            const struct parent_name *parent, const struct options *options, const char *new_type,
                            struct grants **ret) {
        struct need needs[3];
        size_t n = 0;

        if (scheduler_serves_root(manager->scheduler, message))
                return 0;
        needs[n++] = (struct need) { ACTION_MANAGE_DEFINITIONS, parent->text,
                                     type_of_definition(manager, uuid, parent) };
        if (new_type)
                needs[n++] = (struct need) { ACTION_MANAGE_DEFINITIONS, parent->text, new_type };
        if (options->live)
                needs[n++] = (struct need) { ACTION_MANAGE_DEVICES, parent->text, type_of_device(manager, uuid) };
        return authorize(manager->authorizations, message, VERB_MODIFY, uuid->text, needs, n, ret);
}

int request_modify(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                   const struct parent_name *given_parent) {
        _cleanup_(grants_freep) struct grants *grants = NULL;
        _cleanup_(job_unrefp) struct job *job = NULL;
        _cleanup_definition_changes_ struct definition_changes changes = {};
        struct parent_name parent = *given_parent;
        struct options options;
        int r;

        r = changes_read(message, uuid, &changes);
        if (r == 0)
                r = read_modify_options(message, uuid, &changes, &options);
        if (r == 0)
                r = begin(manager, message, uuid);
        if (r != 0)
                return r;
        if (options.live)
                lend_parent(manager, uuid, &parent);
        r = definition_resolve_parent(manager, message, uuid, &parent);
        if (r != 0)
                return r;
        r = authorize_modify(manager, message, uuid, &parent, &options, changes.type, &grants);
        if (r != 0)
                return r;

        r = job_new_modify(&job, manager->jobs, uuid->text, parent.text, &changes, options.live, options.defined);
        if (r < 0)
                return r;
        job->caller.grants = TAKE_PTR(grants);
        return request_accept(manager, message, job, &options);
}

/* Without a parent, the permission is for the only one that defines it, or else for every parent. */
static int authorize_undefine(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                              struct parent_name *parent, struct grants **ret) {
        struct need need = { ACTION_MANAGE_DEFINITIONS, NULL, "" };
        struct stored_definition *definition;

        if (scheduler_serves_root(manager->scheduler, message))
                return 0;
        if (!*parent->text && store_find_all(manager->store, uuid->text, &definition, 1) == 1)
                (void) parent_name_set(parent, definition->directory->parent);
        if (*parent->text) {
                need.parent = parent->text;
                need.type = type_of_definition(manager, uuid, parent);
        }
        return authorize(manager->authorizations, message, VERB_UNDEFINE, uuid->text, &need, 1, ret);
}

int request_undefine(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                     const struct parent_name *given_parent) {
        _cleanup_(grants_freep) struct grants *grants = NULL;
        _cleanup_(job_unrefp) struct job *job = NULL;
        struct options options = { .timeout = JOB_TIMEOUT_USEC_DEFAULT };
        struct parent_name parent = *given_parent;
        int r;

        r = options_read(message, 0, &options);
        if (r == 0)
                r = begin(manager, message, uuid);
        if (r != 0)
                return r;

        r = authorize_undefine(manager, message, uuid, &parent, &grants);
        if (r != 0)
                return r;

        r = job_new_undefine(&job, manager->jobs, uuid->text, *parent.text ? parent.text : NULL);
        if (r < 0)
                return r;
        job->caller.grants = TAKE_PTR(grants);
        return request_accept(manager, message, job, &options);
}

/* If the caller has named no parent, the permission is for the one that defines it now, and the job gets no other. */
static int authorize_start(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                           struct parent_name *parent, struct grants **ret) {
        int r;

        if (scheduler_serves_root(manager->scheduler, message))
                return 0;
        r = definition_resolve_parent(manager, message, uuid, parent);
        if (r != 0)
                return r;
        return authorize(manager->authorizations, message, VERB_START, uuid->text,
                         &(struct need) { ACTION_MANAGE_DEVICES, parent->text,
                                          type_of_definition(manager, uuid, parent) },
                         1, ret);
}

int request_start(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                  const struct parent_name *given_parent) {
        _cleanup_(grants_freep) struct grants *grants = NULL;
        _cleanup_(job_unrefp) struct job *job = NULL;
        struct options options = { .timeout = OPTION_TIMEOUT_UNSET };
        struct parent_name parent = *given_parent;
        int r;

        r = options_read(message, OPTION_SETTLE | OPTION_WAIT, &options);
        if (r == 0)
                r = begin(manager, message, uuid);
        if (r != 0)
                return r;
        /* The hardware may come at any time, or never. */
        if (options.timeout == OPTION_TIMEOUT_UNSET)
                options.timeout = options.wait ? 0 : JOB_TIMEOUT_USEC_DEFAULT;
        r = authorize_start(manager, message, uuid, &parent, &grants);
        if (r != 0)
                return r;

        r = job_new_start(&job, manager->jobs, uuid->text, *parent.text ? parent.text : NULL);
        if (r < 0)
                return r;
        job->caller.grants = TAKE_PTR(grants);
        return request_accept(manager, message, job, &options);
}
