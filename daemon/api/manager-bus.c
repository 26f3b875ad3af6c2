/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.mediated1.Manager. */

#include "daemon/api/manager-bus.h"

#include "common/bus-names.h"
#include "daemon/api/arguments.h"
#include "daemon/api/device-bus.h"
#include "daemon/api/job-bus.h"
#include "daemon/api/manager.h"
#include "daemon/api/parent-bus.h"
#include "daemon/api/request-definition.h"
#include "daemon/api/request-device.h"
#include "daemon/api/stored-definition-bus.h"
#include "daemon/api/types-query.h"
#include "daemon/bus/bus-util.h"
#include "daemon/definitions/catch-up.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/peers/scheduler.h"
#include "daemon/registry/backend.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"

static int open_list(sd_bus_message *message, const char *contents, sd_bus_message **ret) {
        int r;

        r = sd_bus_message_new_method_return(message, ret);
        if (r < 0)
                return r;
        return sd_bus_message_open_container(*ret, 'a', contents);
}

static int send_list(sd_bus_message *reply) {
        int r;

        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

static int method_list_parents(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct manager *manager = userdata;
        struct parent *parent, *next;
        int r;

        r = open_list(message, "(sso)", &reply);
        if (r < 0)
                return r;
        HASH_ITER(hh, manager->registry->parents, parent, next) {
                r = sd_bus_message_append(reply, "(sso)", parent->name, parent->path, parent->export.path);
                if (r < 0)
                        return r;
        }
        return send_list(reply);
}

static int method_list_cards(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct manager *manager = userdata;
        struct parent *parent, *next;
        int r;

        r = open_list(message, "(sssb)", &reply);
        if (r < 0)
                return r;
        HASH_ITER(hh, manager->registry->parents, parent, next) {
                r = sd_bus_message_append(reply, "(sssb)", parent->name, parent->card, parent->backend->name,
                                          parent->set_aside);
                if (r < 0)
                        return r;
        }
        return send_list(reply);
}

/* An unknown parent is looked for in the kernel, too: its uevent may still be on its way. */
static struct parent *find_parent(struct manager *manager, const struct parent_name *name) {
        struct parent *parent = parent_find(manager->registry, name->text);

        return parent ? parent : parent_look_for(manager->registry, name->text);
}

static int method_list_types(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct manager *manager = userdata;
        struct parent_name parent;
        int r;

        r = argument_read_optional_parent(message, NULL, FAILURE_NO_SUCH_PARENT, &parent);
        if (r != 0)
                return r;
        if (*parent.text && !find_parent(manager, &parent))
                return bus_fail_parent(message, parent.text);

        r = types_query_start(manager, message, parent.text);
        return r < 0 ? r : 1;
}

static int method_list_devices(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct manager *manager = userdata;
        struct device *device, *next;
        int r;

        r = catch_up(manager->catch_up, scheduler_current(manager->scheduler, message));
        if (r != 0)
                return r;
        r = open_list(message, "(ssssbo)", &reply);
        if (r < 0)
                return r;
        HASH_ITER(hh, manager->registry->devices, device, next) {
                r = sd_bus_message_append(reply, "(ssssbo)", device->uuid, device->parent,
                                          device->type ? device->type : "", device_state_to_string(device->state),
                                          device->defined, device->export.path);
                if (r < 0)
                        return r;
        }
        return send_list(reply);
}

static int append_definition(sd_bus_message *reply, const struct stored_definition *definition) {
        return sd_bus_message_append(reply, "(ssssbo)", definition->uuid, definition->directory->parent,
                                     definition->valid ? definition->type : "",
                                     definition->valid ? start_mode_to_string(definition->start) : "",
                                     stored_definition_is_active(definition), definition->export.path);
}

static int method_list_definitions(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct store_directory *directory, *next_directory;
        struct manager *manager = userdata;
        int r;

        r = catch_up(manager->catch_up, scheduler_current(manager->scheduler, message));
        if (r != 0)
                return r;
        r = open_list(message, "(ssssbo)", &reply);
        if (r < 0)
                return r;
        HASH_ITER(hh, manager->store->directories, directory, next_directory) {
                struct stored_definition *definition, *next;

                HASH_ITER(hh, directory->definitions, definition, next) {
                        r = append_definition(reply, definition);
                        if (r < 0)
                                return r;
                }
        }
        return send_list(reply);
}

static int method_list_jobs(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct manager *manager = userdata;
        struct job *job, *next;
        int r;

        r = open_list(message, "(tssso)", &reply);
        if (r < 0)
                return r;
        HASH_ITER(hh, manager->jobs->by_id, job, next) {
                r = sd_bus_message_append(reply, "(tssso)", job->id, job->uuid, job->type->name,
                                          job_state_to_string(job), job->export.path);
                if (r < 0)
                        return r;
        }
        return send_list(reply);
}

static int method_get_parent(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct manager *manager = userdata;
        struct parent_name name;
        struct parent *parent;
        int r;

        r = argument_read_parent(message, NULL, FAILURE_NO_SUCH_PARENT, &name);
        if (r != 0)
                return r;

        parent = find_parent(manager, &name);
        if (!parent)
                return bus_fail_parent(message, name.text);
        return sd_bus_reply_method_return(message, "o", parent->export.path);
}

static int method_get_device(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct manager *manager = userdata;
        struct device *device;
        struct uuid_text uuid;
        int r;

        r = argument_read_uuid(message, &uuid);
        if (r != 0)
                return r;

        device = device_find(manager->registry, uuid.text);
        if (!device)
                device = device_look_for(manager->registry, uuid.text);
        if (!device)
                return bus_fail_device(message, uuid.text);
        return sd_bus_reply_method_return(message, "o", device->export.path);
}

static int method_get_definition(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct stored_definition *definition;
        struct manager *manager = userdata;
        struct parent_name parent;
        struct uuid_text uuid;
        int r;

        r = argument_read_uuid(message, &uuid);
        if (r == 0)
                r = argument_read_optional_parent(message, &uuid, FAILURE_NOT_DEFINED, &parent);
        if (r == 0)
                r = definition_resolve_parent(manager, message, &uuid, &parent);
        if (r != 0)
                return r;

        definition = store_refresh(manager->store, parent.text, uuid.text);
        if (!definition)
                return bus_fail(message, FAILURE_NOT_DEFINED,
                                "Device %s is not defined for parent '%s'; 'mediatectl list' shows all definitions",
                                uuid.text, parent.text);
        return sd_bus_reply_method_return(message, "o", definition->export.path);
}

static int method_get_job(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct manager *manager = userdata;
        struct job *job;
        uint64_t id;
        int r;

        r = argument_read_job(message, &id);
        if (r != 0)
                return r;

        job = jobs_find(manager->jobs, id);
        if (!job)
                return bus_fail_job(message, id);
        return sd_bus_reply_method_return(message, "o", job->export.path);
}

static int method_create_device(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        return request_create(userdata, message);
}

/* Reads the two arguments that say which definition is meant, and passes them on. */
static int read_definition(sd_bus_message *message, struct manager *manager,
                           int (*request)(struct manager *manager, sd_bus_message *message,
                                          const struct uuid_text *uuid, const struct parent_name *parent)) {
        struct parent_name parent;
        struct uuid_text uuid;
        int r;

        r = argument_read_uuid(message, &uuid);
        if (r == 0)
                r = argument_read_optional_parent(message, &uuid, FAILURE_INVALID_ARGS, &parent);
        return r != 0 ? r : request(manager, message, &uuid, &parent);
}

static int method_start_device(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        return read_definition(message, userdata, request_start);
}

static int method_define(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        return request_define(userdata, message);
}

static int method_modify(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        return read_definition(message, userdata, request_modify);
}

static int method_undefine(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        return read_definition(message, userdata, request_undefine);
}

static int method_reload(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        return request_reload(userdata, message);
}

static int method_stop_device(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct uuid_text uuid;
        int r;

        r = argument_read_uuid(message, &uuid);
        return r != 0 ? r : request_stop(userdata, message, &uuid);
}

static int method_cancel_job(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        uint64_t id;
        int r;

        r = argument_read_job(message, &id);
        if (r != 0)
                return r;
        return request_cancel(userdata, message, id);
}

static int property_get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        return sd_bus_message_append(reply, "s", PROJECT_VERSION);
}

static int property_get_parent_count(sd_bus *bus, const char *path, const char *interface, const char *property,
                                     sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct manager *manager = userdata;

        return sd_bus_message_append(reply, "u", HASH_COUNT(manager->registry->parents));
}

static int property_get_device_count(sd_bus *bus, const char *path, const char *interface, const char *property,
                                     sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct manager *manager = userdata;

        return sd_bus_message_append(reply, "u", HASH_COUNT(manager->registry->devices));
}

static int property_get_definition_count(sd_bus *bus, const char *path, const char *interface, const char *property,
                                         sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct manager *manager = userdata;

        return sd_bus_message_append(reply, "u", manager->store->n_definitions);
}

static int property_get_job_count(sd_bus *bus, const char *path, const char *interface, const char *property,
                                  sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct manager *manager = userdata;

        return sd_bus_message_append(reply, "u", jobs_count(manager->jobs));
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("ListParents", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sso)", parents), method_list_parents,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListCards", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sssb)", parents), method_list_cards,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListTypes", SD_BUS_ARGS("s", parent), SD_BUS_RESULT("a(ssssus)", types),
                                method_list_types, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListDevices", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssssbo)", devices), method_list_devices,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListDefinitions", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssssbo)", definitions),
                                method_list_definitions, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListJobs", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(tssso)", jobs), method_list_jobs,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetParent", SD_BUS_ARGS("s", name), SD_BUS_RESULT("o", parent), method_get_parent,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetDevice", SD_BUS_ARGS("s", uuid), SD_BUS_RESULT("o", device), method_get_device,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetDefinition", SD_BUS_ARGS("s", uuid, "s", parent), SD_BUS_RESULT("o", definition),
                                method_get_definition, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetJob", SD_BUS_ARGS("t", id), SD_BUS_RESULT("o", job), method_get_job,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CreateDevice",
                                SD_BUS_ARGS("s", uuid, "s", parent, "s", type, "a(ss)", attributes, "a{sv}", options),
                                SD_BUS_RESULT("s", device_uuid, "o", device), method_create_device,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("StartDevice", SD_BUS_ARGS("s", uuid, "s", parent, "a{sv}", options),
                                SD_BUS_RESULT("o", device), method_start_device, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("StopDevice", SD_BUS_ARGS("s", uuid, "a{sv}", options), SD_BUS_NO_RESULT,
                                method_stop_device, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Define",
                                SD_BUS_ARGS("s", uuid, "s", parent, "s", type, "s", start, "a(ss)", attributes, "a{sv}",
                                            options),
                                SD_BUS_RESULT("s", definition_uuid, "o", definition), method_define,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Modify",
                                SD_BUS_ARGS("s", uuid, "s", parent, "a{sv}", changes, "a{sv}", options),
                                SD_BUS_RESULT("o", definition), method_modify, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Undefine", SD_BUS_ARGS("s", uuid, "s", parent, "a{sv}", options), SD_BUS_NO_RESULT,
                                method_undefine, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CancelJob", SD_BUS_ARGS("t", id), SD_BUS_NO_RESULT, method_cancel_job,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("JobNew", SD_BUS_ARGS("t", id, "s", uuid, "s", kind, "o", job), 0),
        SD_BUS_SIGNAL_WITH_ARGS("JobRemoved",
                                SD_BUS_ARGS("t", id, "s", uuid, "s", kind, "s", result, "o", job, "s", error, "s",
                                            message), 0),
        SD_BUS_PROPERTY("Version", "s", property_get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ParentCount", "u", property_get_parent_count, 0, 0),
        SD_BUS_PROPERTY("DeviceCount", "u", property_get_device_count, 0, 0),
        SD_BUS_PROPERTY("DefinitionCount", "u", property_get_definition_count, 0, 0),
        SD_BUS_PROPERTY("JobCount", "u", property_get_job_count, 0, 0),
        SD_BUS_VTABLE_END,
};

/* The handler gets the object that is found, and the manager by manager_of(). */
static int find_object(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                       sd_bus_error *ret_error) {
        const struct manager *manager = userdata;

        return exports_find(bus, path, interface, manager->exports, ret_found, ret_error);
}

struct manager *manager_of(sd_bus *bus) {
        return sd_bus_slot_get_userdata(sd_bus_get_current_slot(bus));
}

struct autostart *autostart_of(sd_bus *bus) {
        return manager_of(bus)->autostart;
}

int manager_bus_attach(struct manager *manager) {
        static const struct {
                const char *prefix;
                const char *interface;
                const sd_bus_vtable *vtable;
        } objects[] = {
                { BUS_PARENT_PATH, BUS_PARENT, parent_vtable },
                { BUS_DEVICE_PATH, BUS_DEVICE, device_vtable },
                { BUS_DEFINITION_PATH, BUS_DEFINITION, definition_vtable },
                { BUS_JOB_PATH, BUS_JOB, job_vtable },
        };
        sd_bus *bus = manager->bus;
        int r;

        r = sd_bus_add_object_manager(bus, NULL, BUS_ROOT);
        if (r < 0)
                return r;
        r = sd_bus_add_object_vtable(bus, NULL, BUS_ROOT, BUS_MANAGER, manager_vtable, manager);
        if (r < 0)
                return r;
        r = sd_bus_add_node_enumerator(bus, NULL, BUS_ROOT, exports_enumerate, manager->exports);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(objects); i++) {
                r = sd_bus_add_fallback_vtable(bus, NULL, objects[i].prefix, objects[i].interface, objects[i].vtable,
                                               find_object, manager);
                if (r < 0)
                        return r;
        }

        return 0;
}
