/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Autostart.
 *
 * A parent may be there before its types, its types before a free instance, and the daemon after all of them. So
 * autostart is no shot fired at an event but a state of each definition: it is tried when its parent registers, once;
 * what then lacks its type or an instance waits and is tried again whenever the types were read again, which uevents,
 * the coming and going of devices, and a timer with growing intervals see to. What was tried is recorded outside the
 * daemon, so that a restart does not start again what somebody has stopped. */

#include "daemon/autostart/autostart.h"

#include <errno.h>
#include <utlist.h>

#include "daemon/autostart/tried.h"
#include "daemon/base/log.h"
#include "daemon/base/message-ids.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/queue.h"
#include "daemon/manager.h"
#include "daemon/registry/device.h"
#include "daemon/registry/type-properties.h"

static struct log_fields fields_of(const struct stored_definition *definition) {
        return (struct log_fields) { .uuid = definition->uuid, .parent = definition->directory->parent };
}

static void unlist(struct stored_definition *definition) {
        if (definition->pending)
                DL_DELETE(definition->directory->pending, definition);
        definition->pending = false;
}

static void enlist(struct stored_definition *definition) {
        if (definition->pending)
                return;
        definition->pending = true;
        DL_APPEND(definition->directory->pending, definition);
}

static bool wants_start(const struct stored_definition *definition) {
        return definition->valid && definition->start == START_AUTO;
}

static void fail(struct stored_definition *definition, uint64_t job, const char *error) {
        struct log_fields fields = fields_of(definition);

        fields.job = job;
        fields.message_id = MESSAGE_AUTOSTART_FAILED;
        stored_definition_set_start_state(definition, START_STATE_FAILED, error);
        log_full(LOG_ERR, 0, fields, "Autostart of device %s on parent '%s' failed: %s", definition->uuid,
                 definition->directory->parent, error);
}

/* The types are read again after a while: some drivers have no uevent for what is waited for. */
static void wait_for(struct stored_definition *definition, enum start_state state) {
        struct parent *parent = parent_find(definition->manager->registry, definition->directory->parent);

        if (definition->start_state != state)
                log_full(LOG_INFO, 0, fields_of(definition),
                         "Autostart of device %s waits: %s of parent '%s' is not there",
                         definition->uuid, state == START_STATE_WAITING_TYPE ? "its type" : "a free instance",
                         definition->directory->parent);
        (void) registration_remove(definition->directory->parent, definition->uuid);
        stored_definition_set_start_state(definition, state, NULL);
        if (parent)
                parent_read_again_later(parent);
}

static int submit(struct stored_definition *definition) {
        _cleanup_(job_freep) struct job *job = NULL;
        int r;

        r = job_new(&job, definition->manager, &job_type_start, definition->uuid);
        if (r < 0)
                return r;
        r = job_set_timeout(job, JOB_TIMEOUT_USEC_DEFAULT);
        if (r < 0)
                return r;
        job->work.task.parent = strdup(definition->directory->parent);
        if (!job->work.task.parent)
                return -ENOMEM;
        job->parent_given = true;
        job->autostart = true;
        job->work.background = true;
        r = queue_submit(job);
        if (r < 0)
                return r;

        TAKE_PTR(job);
        definition->directory->n_starting++;
        stored_definition_set_start_state(definition, START_STATE_STARTING, NULL);
        return 0;
}

/* The driver has said so to another one, and has not freed an instance since: a thousand more need not ask. */
static bool is_full(const struct stored_definition *definition, const struct parent *parent) {
        const char *full = definition->directory->full_type;
        json_object *values;

        return full && streq(full, definition->type) && parent->types &&
               json_object_object_get_ex(parent->types, definition->type, &values) &&
               type_available_instances(values) == 0;
}

/* Not one that has gone with its parent, of which udev has not told yet: a request may have shown the next one
 * sooner. */
static bool is_still_active(const struct stored_definition *definition) {
        if (stored_definition_is_active(definition))
                (void) device_refresh(definition->manager->registry, definition->uuid);
        return stored_definition_is_active(definition);
}

/* Returns 0, or a negative errno when it could not be tried for lack of memory. */
static int start(struct stored_definition *definition) {
        const char *parent_name = definition->directory->parent;
        struct parent *parent = parent_find(definition->manager->registry, parent_name);

        if (!parent)
                stored_definition_set_start_state(definition, START_STATE_WAITING_PARENT, NULL);
        else if (is_still_active(definition)) {
                (void) registration_add(parent_name, definition->uuid);
                stored_definition_set_start_state(definition, START_STATE_ACTIVE, NULL);
        } else if (!parent_has_type(parent, definition->type))
                wait_for(definition, START_STATE_WAITING_TYPE);
        else if (is_full(definition, parent))
                wait_for(definition, START_STATE_WAITING_INSTANCE);
        else
                return submit(definition);
        return 0;
}

/* With the types, which are read again after a while. */
static void start_later(struct stored_definition *definition) {
        struct parent *parent = parent_find(definition->manager->registry, definition->directory->parent);

        log_full(LOG_WARNING, 0, fields_of(definition),
                 "Out of memory: autostart of device %s on parent '%s' is tried again", definition->uuid,
                 definition->directory->parent);
        enlist(definition);
        if (parent)
                parent_read_again_later(parent);
}

static void start_pending(struct store_directory *directory) {
        struct manager *manager = directory->store->manager;

        while (directory->pending && directory->n_starting < manager->autostart_parallel && !manager->draining) {
                struct stored_definition *definition = directory->pending;

                unlist(definition);
                if (start(definition) < 0)
                        return start_later(definition);
        }
}

static int on_pump(sd_event_source *source, void *userdata) {
        struct store_directory *directory, *next;
        struct manager *manager = userdata;

        HASH_ITER(hh, manager->store->directories, directory, next)
                start_pending(directory);
        return 0;
}

/* In turns with the requests and uevents that have come meanwhile: workers' reports are before these, and with
 * autostart following up at once nobody else would have a turn. */
static void pump(struct store_directory *directory) {
        if (directory->pending)
                (void) sd_event_source_set_enabled(directory->store->manager->autostart_source, SD_EVENT_ONESHOT);
}

int autostart_init(struct manager *manager) {
        int r;

        manager->autostart_parallel = AUTOSTART_PARALLEL_DEFAULT;
        r = sd_event_add_defer(manager->event, &manager->autostart_source, on_pump, manager);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(manager->autostart_source, SD_EVENT_OFF);
        if (r < 0)
                return r;
        return sd_event_source_set_priority(manager->autostart_source, SD_EVENT_PRIORITY_NORMAL);
}

static void try_once(struct stored_definition *definition) {
        if (!wants_start(definition))
                return;
        if (definition->start_state == START_STATE_STARTING) {
                definition->registered_anew = true;
                return;
        }
        if (registration_has(definition->directory->parent, definition->uuid))
                return stored_definition_set_start_state(definition,
                                                         stored_definition_is_active(definition) ? START_STATE_ACTIVE
                                                                                                 : START_STATE_NONE,
                                                         NULL);
        enlist(definition);
}

void autostart_parent_here(struct manager *manager, struct parent *parent) {
        struct store_directory *directory = manager->store ? store_find_directory(manager->store, parent->name) : NULL;
        struct stored_definition *definition, *next;
        int r;

        r = registration_begin(parent);
        if (r < 0)
                log_full(LOG_WARNING, r, (struct log_fields) { .parent = parent->name },
                         "Failed to record the registration of parent '%s', its definitions may be started again: %m",
                         parent->name);
        if (!directory)
                return;

        HASH_ITER(hh, directory->definitions, definition, next)
                try_once(definition);
        pump(directory);
}

void autostart_parent_gone(struct manager *manager, const char *parent) {
        struct store_directory *directory = manager->store ? store_find_directory(manager->store, parent) : NULL;
        struct stored_definition *definition, *next;

        if (!directory)
                return;
        HASH_ITER(hh, directory->definitions, definition, next) {
                unlist(definition);
                if (wants_start(definition) && definition->start_state != START_STATE_STARTING)
                        stored_definition_set_start_state(definition, START_STATE_WAITING_PARENT, NULL);
        }
}

/* What people ask for on this parent goes first; its end has the types read again, so the turn comes. */
static bool has_requests(struct manager *manager, const char *parent) {
        struct job *job, *next;

        HASH_ITER(hh, manager->jobs, job, next)
                if (job->message && job->state != JOB_PARKED_OUTSIDE && job->type->creates && job->work.task.parent &&
                    streq(job->work.task.parent, parent))
                        return true;
        return false;
}

/* How many of a type may still be tried in this turn, counted down in @remaining. */
static bool take_instance(struct parent *parent, json_object **remaining, const char *type) {
        json_object *values, *n;
        uint32_t available;

        if (!parent->types || !json_object_object_get_ex(parent->types, type, &values))
                return false;
        if (!json_object_object_get_ex(*remaining, type, &n)) {
                available = type_available_instances(values);
                n = json_object_new_int64(available);
                json_put(remaining, type, n);
        }
        if (!*remaining || json_object_get_int64(n) == 0)
                return false;
        json_object_int_inc(n, -1);
        return true;
}

void autostart_types_read(struct manager *manager, struct parent *parent) {
        struct store_directory *directory = manager->store ? store_find_directory(manager->store, parent->name) : NULL;
        struct stored_definition *definition, *next;
        _cleanup_json_ json_object *remaining = json_object_new_object();
        bool waiting = false, requests;

        if (!directory)
                return;

        requests = has_requests(manager, parent->name);
        HASH_ITER(hh, directory->definitions, definition, next) {
                if (!wants_start(definition) || definition->pending)
                        continue;
                if ((definition->start_state == START_STATE_WAITING_TYPE &&
                     parent_has_type(parent, definition->type)) ||
                    (definition->start_state == START_STATE_WAITING_INSTANCE && !requests &&
                     take_instance(parent, &remaining, definition->type)))
                        enlist(definition);
                else if (definition->start_state == START_STATE_WAITING_TYPE ||
                         definition->start_state == START_STATE_WAITING_INSTANCE)
                        waiting = true;
        }
        pump(directory);
        if (waiting)
                parent_read_again_later(parent);
}

void autostart_consider(struct stored_definition *definition) {
        const char *parent_name = definition->directory->parent;
        struct parent *parent;

        if (!wants_start(definition)) {
                unlist(definition);
                stored_definition_set_start_state(definition, START_STATE_NONE, NULL);
                return;
        }

        parent = parent_find(definition->manager->registry, parent_name);
        if (!parent) {
                stored_definition_set_start_state(definition, START_STATE_WAITING_PARENT, NULL);
                return;
        }
        /* As with `systemctl enable`: what becomes `auto` is started when its parent registers the next time. */
        (void) registration_add(parent_name, definition->uuid);
        stored_definition_set_start_state(definition, START_STATE_NONE, NULL);
}

void autostart_resume(struct stored_definition *definition) {
        struct parent *parent = parent_find(definition->manager->registry, definition->directory->parent);

        switch (definition->start_state) {
        case START_STATE_STARTING:
        case START_STATE_FAILED:
                return;
        case START_STATE_WAITING_TYPE:
        case START_STATE_WAITING_INSTANCE:
                if (parent)
                        parent_read_again_later(parent);
                return;
        default:
                if (!parent)
                        return stored_definition_set_start_state(definition, START_STATE_WAITING_PARENT, NULL);
                try_once(definition);
                pump(definition->directory);
        }
}

/* Somebody was faster. Whoever stops it later will mean it. */
void autostart_device_active(struct stored_definition *definition) {
        if (!wants_start(definition) || (definition->start_state != START_STATE_WAITING_TYPE &&
                                         definition->start_state != START_STATE_WAITING_INSTANCE))
                return;

        unlist(definition);
        (void) registration_add(definition->directory->parent, definition->uuid);
        stored_definition_set_start_state(definition, START_STATE_ACTIVE, NULL);
}

void autostart_forget(struct stored_definition *definition) {
        unlist(definition);
}

static bool exists_as_asked(const struct stored_definition *definition, const struct job *job) {
        const struct device *device = device_find(definition->manager->registry, definition->uuid);

        return device && streq(device->parent, definition->directory->parent) && device->type &&
               job->work.task.type && streq(device->type, job->work.task.type);
}

/* What counts as tried is so after a restart, too. */
static void settle(struct stored_definition *definition, enum start_state state) {
        (void) registration_add(definition->directory->parent, definition->uuid);
        stored_definition_set_start_state(definition, state, NULL);
}

static void take_result(struct stored_definition *definition, const struct job *job, enum job_result result) {
        if (result == JOB_DONE) {
                log_full(LOG_INFO, 0, fields_of(definition), "Started device %s on parent '%s'", definition->uuid,
                         definition->directory->parent);
                return settle(definition, START_STATE_ACTIVE);
        }

        switch (job->failure.code) {
        case FAILURE_NO_AVAILABLE_INSTANCES:
                free(definition->directory->full_type);
                definition->directory->full_type = strdup(job->work.task.type);
                return wait_for(definition, START_STATE_WAITING_INSTANCE);
        case FAILURE_NO_SUCH_TYPE:
                return wait_for(definition, START_STATE_WAITING_TYPE);
        case FAILURE_SHUTTING_DOWN:
                (void) registration_remove(definition->directory->parent, definition->uuid);
                return stored_definition_set_start_state(definition, START_STATE_WAITING_PARENT, NULL);
        case FAILURE_JOB_CANCELED:
                return settle(definition, START_STATE_NONE);
        case FAILURE_ALREADY_EXISTS:
                if (exists_as_asked(definition, job))
                        return settle(definition, START_STATE_ACTIVE);
                return fail(definition, job->id, failure_text(&job->failure));
        default:
                return fail(definition, job->id, failure_text(&job->failure));
        }
}

static void take_end(struct stored_definition *definition, const struct job *job, enum job_result result) {
        bool anew = definition->registered_anew;

        definition->registered_anew = false;
        /* What failed together with its parent is due again with the next one, which may be here by now. */
        if (result != JOB_DONE && !parent_find(definition->manager->registry, definition->directory->parent))
                return stored_definition_set_start_state(definition, START_STATE_WAITING_PARENT, NULL);
        if (anew && !is_still_active(definition)) {
                (void) registration_remove(definition->directory->parent, definition->uuid);
                stored_definition_set_start_state(definition, START_STATE_NONE, NULL);
                return enlist(definition);
        }
        take_result(definition, job, result);
}

void autostart_job_ended(struct job *job, enum job_result result) {
        struct store_directory *directory;
        struct stored_definition *definition;

        if (!job->autostart)
                return;
        job->autostart = false;

        directory = store_find_directory(job->manager->store, job->work.task.parent);
        if (!directory)
                return;
        directory->n_starting--;
        definition = store_find(job->manager->store, job->work.task.parent, job->uuid);
        if (definition && definition->start_state == START_STATE_STARTING)
                take_end(definition, job, result);
        pump(directory);
}

void autostart_interrupted(struct manager *manager, const char *parent_name, const char *uuid) {
        struct stored_definition *definition = store_find(manager->store, parent_name, uuid);

        (void) registration_remove(parent_name, uuid);
        if (!definition || !parent_find(manager->registry, parent_name))
                return;
        try_once(definition);
        pump(definition->directory);
}

int autostart_adopt(struct manager *manager) {
        struct store_directory *directory, *next_directory;
        int r;

        HASH_ITER(hh, manager->store->directories, directory, next_directory) {
                struct parent *parent = parent_find(manager->registry, directory->parent);
                struct stored_definition *definition, *next;

                if (!parent)
                        continue;
                r = registration_begin(parent);
                if (r < 0)
                        return r;
                HASH_ITER(hh, directory->definitions, definition, next) {
                        if (!wants_start(definition))
                                continue;
                        r = registration_add(directory->parent, definition->uuid);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}
