/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.mediated1.Definition. */

#include "daemon/api/stored-definition-bus.h"

#include <errno.h>

#include "common/attribute-bus.h"
#include "common/store-file.h"
#include "daemon/api/arguments.h"
#include "daemon/api/manager-bus.h"
#include "daemon/api/manager.h"
#include "daemon/api/request-definition.h"
#include "daemon/autostart/autostart.h"
#include "daemon/bus/bus-util.h"
#include "daemon/definitions/store.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"

static int property_get_parent_name(sd_bus *bus, const char *path, const char *interface, const char *property,
                                    sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct stored_definition *definition = userdata;

        return sd_bus_message_append(reply, "s", definition->directory->parent);
}

static int property_get_start_mode(sd_bus *bus, const char *path, const char *interface, const char *property,
                                   sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct stored_definition *definition = userdata;

        return sd_bus_message_append(reply, "s", definition->valid ? start_mode_to_string(definition->start) : "");
}

static int property_get_attributes(sd_bus *bus, const char *path, const char *interface, const char *property,
                                   sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct stored_definition *definition = userdata;

        return attributes_append_to_message(reply, &definition->attributes);
}

static int property_get_file(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct stored_definition *definition = userdata;
        _cleanup_free_ char *file = NULL;

        if (asprintf(&file, "/" STORE_DIRECTORY "/%s/%s", definition->directory->parent, definition->uuid) < 0)
                return -ENOMEM;
        return sd_bus_message_append(reply, "s", file);
}

static int property_get_valid(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct stored_definition *definition = userdata;

        return sd_bus_message_append(reply, "b", definition->valid);
}

static int property_get_active(sd_bus *bus, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        return sd_bus_message_append(reply, "b", stored_definition_is_active(userdata));
}

static int property_get_start_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                                    sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        return sd_bus_message_append(reply, "s", start_state_to_string(autostart_state(autostart_of(bus), userdata)));
}

static int property_get_error(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct stored_definition *definition = userdata;
        const struct failure invalid = { FAILURE_INVALID_DEFINITION, definition->reason };

        return bus_append_failure(reply, definition->valid ? &definition->error : &invalid);
}

static int property_get_device(sd_bus *bus, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct stored_definition *definition = userdata;

        return sd_bus_message_append(reply, "o", definition->device ? definition->device->export.path : "/");
}

static int property_get_parent(sd_bus *bus, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct stored_definition *definition = userdata;
        const struct parent *parent = parent_find(manager_of(bus)->registry, definition->directory->parent);

        return sd_bus_message_append(reply, "o", parent ? parent->export.path : "/");
}

/* The request gets copies of the names, because the definition may be freed when the request looks at the store. A file
 * whose name is not a UUID in normal form defines no device, not even one of a similar UUID. */
static int call_request(struct stored_definition *definition, sd_bus_message *message,
                        int (*request)(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                                       const struct parent_name *parent)) {
        struct parent_name parent;
        struct uuid_text uuid;

        if (uuid_text_set(&uuid, definition->uuid) < 0 || parent_name_set(&parent, definition->directory->parent) < 0)
                return bus_fail(message, FAILURE_INVALID_DEFINITION,
                                "/" STORE_DIRECTORY "/%s/%s defines no device, since its name is not a UUID in lower "
                                "case; rename the file, or remove it", definition->directory->parent, definition->uuid);
        return request(manager_of(sd_bus_message_get_bus(message)), message, &uuid, &parent);
}

static int method_start(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        return call_request(userdata, message, request_start);
}

static int method_modify(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        return call_request(userdata, message, request_modify);
}

static int method_undefine(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        return call_request(userdata, message, request_undefine);
}

const sd_bus_vtable definition_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("UUID", "s", NULL, offsetof(struct stored_definition, uuid), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ParentName", "s", property_get_parent_name, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Type", "s", NULL, offsetof(struct stored_definition, type),
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("StartMode", "s", property_get_start_mode, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Attributes", "a(ss)", property_get_attributes, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("File", "s", property_get_file, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Valid", "b", property_get_valid, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Active", "b", property_get_active, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("StartState", "s", property_get_start_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Error", "(ss)", property_get_error, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Device", "o", property_get_device, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Parent", "o", property_get_parent, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_METHOD_WITH_ARGS("Start", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", device), method_start,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Modify", SD_BUS_ARGS("a{sv}", changes, "a{sv}", options),
                                SD_BUS_RESULT("o", definition), method_modify, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Undefine", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_undefine,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};
