/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.mediated1.Parent. */

#include "daemon/api/parent-bus.h"

#include "common/bus-names.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/type-properties.h"

const char *type_property(json_object *values, const char *key) {
        json_object *value;

        return json_object_object_get_ex(values, key, &value) ? json_object_get_string(value) : "";
}

uint32_t type_available_instances(json_object *values) {
        json_object *value;

        if (!json_object_object_get_ex(values, "available_instances", &value))
                return AVAILABLE_INSTANCES_UNKNOWN;
        return (uint32_t) json_object_get_uint64(value);
}

static int append_string_property(sd_bus_message *reply, const char *name, const char *value) {
        /* Absent rather than empty: many drivers have no `name` or `description`. */
        return *value ? sd_bus_message_append(reply, "{sv}", name, "s", value) : 0;
}

static int append_type(sd_bus_message *reply, const char *type, json_object *values) {
        uint32_t available = type_available_instances(values);
        int r;

        r = sd_bus_message_open_container(reply, 'e', "sa{sv}");
        if (r < 0)
                return r;
        r = sd_bus_message_append(reply, "s", type);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r < 0)
                return r;

        r = append_string_property(reply, "Name", type_property(values, "name"));
        if (r >= 0)
                r = append_string_property(reply, "DeviceAPI", type_property(values, "device_api"));
        if (r >= 0 && available != AVAILABLE_INSTANCES_UNKNOWN)
                r = sd_bus_message_append(reply, "{sv}", "AvailableInstances", "u", available);
        if (r >= 0)
                r = append_string_property(reply, "Description", type_property(values, "description"));
        if (r < 0)
                return r;

        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(reply);
}

static int property_get_types(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct parent *parent = userdata;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{sa{sv}}");
        if (r < 0)
                return r;

        if (parent->types) {
                json_object_object_foreach(parent->types, type, values) {
                        r = append_type(reply, type, values);
                        if (r < 0)
                                return r;
                }
        }

        return sd_bus_message_close_container(reply);
}

const sd_bus_vtable parent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Name", "s", NULL, offsetof(struct parent, name), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("SysfsPath", "s", NULL, offsetof(struct parent, path), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Types", "a{sa{sv}}", property_get_types, 0, SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        SD_BUS_VTABLE_END,
};
