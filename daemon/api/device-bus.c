/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.mediated1.Device. */

#include "daemon/api/device-bus.h"

#include "common/bus-names.h"
#include "daemon/api/arguments.h"
#include "daemon/api/device-query.h"
#include "daemon/api/manager-bus.h"
#include "daemon/api/manager.h"
#include "daemon/api/request-device.h"
#include "daemon/bus/bus-util.h"
#include "daemon/definitions/store.h"
#include "daemon/registry/device.h"

static int property_get_uuid(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct device *device = userdata;

        return sd_bus_message_append(reply, "s", device->uuid);
}

static int property_get_parent(sd_bus *bus, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct device *device = userdata;
        _cleanup_free_ char *parent = NULL;
        int r;

        r = sd_bus_path_encode(BUS_PARENT_PATH, device->parent, &parent);
        if (r < 0)
                return r;
        return sd_bus_message_append(reply, "o", parent);
}

static int property_get_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct device *device = userdata;

        return sd_bus_message_append(reply, "s", device_state_to_string(device->state));
}

static int property_get_defined(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct device *device = userdata;

        return sd_bus_message_append(reply, "b", device->defined);
}

static int property_get_definition(sd_bus *bus, const char *path, const char *interface, const char *property,
                                   sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct device *device = userdata;
        const struct stored_definition *definition;

        definition = device->defined ? store_find(manager_of(bus)->store, device->parent, device->uuid) : NULL;
        return sd_bus_message_append(reply, "o", definition ? definition->export.path : "/");
}

static int property_get_error(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct device *device = userdata;

        return bus_append_failure(reply, &device->error);
}

static int property_get_iommu_group(sd_bus *bus, const char *path, const char *interface, const char *property,
                                    sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        return sd_bus_message_append(reply, "s", device_group_name(userdata));
}

static int property_get_device_node(sd_bus *bus, const char *path, const char *interface, const char *property,
                                    sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const char *group = device_group_name(userdata);
        char node[SYSFS_NAME_SIZE + 16] = "";

        if (*group)
                snprintf(node, sizeof(node), "/dev/vfio/%s", group);
        return sd_bus_message_append(reply, "s", node);
}

static int property_get_vfio_node(sd_bus *bus, const char *path, const char *interface, const char *property,
                                  sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const char *name = device_vfio_name(userdata);
        char node[SYSFS_NAME_SIZE + 24] = "";

        if (*name)
                snprintf(node, sizeof(node), "/dev/vfio/devices/%s", name);
        return sd_bus_message_append(reply, "s", node);
}

static int method_get_attributes(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        return device_query_attributes(manager_of(sd_bus_message_get_bus(message)), message, userdata);
}

static int method_get_users(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        return device_query_users(manager_of(sd_bus_message_get_bus(message)), message, userdata);
}

static int method_stop(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct device *device = userdata;
        struct uuid_text uuid;
        int r;

        r = uuid_text_set(&uuid, device->uuid);
        return r < 0 ? r : request_stop(manager_of(sd_bus_message_get_bus(message)), message, &uuid);
}

const sd_bus_vtable device_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("UUID", "s", property_get_uuid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Parent", "o", property_get_parent, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ParentName", "s", NULL, offsetof(struct device, parent), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Type", "s", NULL, offsetof(struct device, type), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("State", "s", property_get_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("SysfsPath", "s", NULL, offsetof(struct device, path), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("IOMMUGroup", "s", property_get_iommu_group, 0, 0),
        SD_BUS_PROPERTY("DeviceNode", "s", property_get_device_node, 0, 0),
        SD_BUS_PROPERTY("VFIODeviceNode", "s", property_get_vfio_node, 0, 0),
        SD_BUS_PROPERTY("Defined", "b", property_get_defined, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Definition", "o", property_get_definition, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Error", "(ss)", property_get_error, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_METHOD_WITH_ARGS("GetAttributes", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ss)", attributes),
                                method_get_attributes, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetUsers", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(uss)", users), method_get_users,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Stop", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_stop,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};
