/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.mediated1.Parent. */

#include "daemon/api/parent-bus.h"

#include "common/bus-names.h"
#include "daemon/api/arguments.h"
#include "daemon/api/manager-bus.h"
#include "daemon/api/manager.h"
#include "daemon/api/request-device.h"
#include "daemon/api/request-options.h"
#include "daemon/bus/bus-util.h"
#include "daemon/peers/authorization.h"
#include "daemon/registry/backend.h"
#include "daemon/registry/parent.h"

static int append_string_property(sd_bus_message *reply, const char *name, const char *value) {
        /* Many drivers have no `name` or `description`. Then the property is absent, not empty. */
        return *value ? sd_bus_message_append(reply, "{sv}", name, "s", value) : 0;
}

static int append_type(sd_bus_message *reply, const struct mdev_type *type) {
        int r;

        r = sd_bus_message_open_container(reply, 'e', "sa{sv}");
        if (r < 0)
                return r;
        r = sd_bus_message_append(reply, "s", type->id);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r < 0)
                return r;

        r = append_string_property(reply, "Name", type->name);
        if (r >= 0)
                r = append_string_property(reply, "DeviceAPI", type->device_api);
        if (r >= 0 && type->available != AVAILABLE_INSTANCES_UNKNOWN)
                r = sd_bus_message_append(reply, "{sv}", "AvailableInstances", "u", type->available);
        if (r >= 0)
                r = append_string_property(reply, "Description", type->description);
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

        for (size_t i = 0; i < parent->types.n; i++) {
                r = append_type(reply, &parent->types.items[i]);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(reply);
}

static int property_get_backend(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct parent *parent = userdata;

        return sd_bus_message_append(reply, "s", parent->backend->name);
}

static int property_get_set_aside(sd_bus *bus, const char *path, const char *interface, const char *property,
                                  sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct parent *parent = userdata;

        return sd_bus_message_append(reply, "b", parent->set_aside);
}

static int method_set_aside(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct manager *manager = manager_of(sd_bus_message_get_bus(message));
        _cleanup_(grants_freep) struct grants *grants = NULL;
        struct parent *parent = userdata;
        bool set_aside;
        int r;

        r = request_refuse_draining(manager, message);
        if (r == 0)
                r = argument_read_set_aside(message, &set_aside);
        if (r == 0)
                r = options_read(message, OPTION_NO_JOB, &(struct options) {});
        if (r != 0)
                return r;
        r = authorize(manager->authorizations, message, VERB_SET_ASIDE, "",
                      &(struct need) { ACTION_MANAGE_DEVICES, parent->name, "" }, 1, &grants);
        if (r != 0)
                return r;

        if (set_aside && streq(parent->card, parent->name))
                return bus_fail(message, FAILURE_NOT_SUPPORTED,
                                "Parent '%s' is no virtual function of a card, so nothing chooses it; only virtual "
                                "functions can be set aside", parent->name);
        r = parent_set_aside(parent, set_aside);
        if (r < 0)
                return bus_fail(message, FAILURE_IO_ERROR, "Parent '%s': cannot write to /run/mediated: %s",
                                parent->name, strerror(-r));
        return sd_bus_reply_method_return(message, NULL);
}

const sd_bus_vtable parent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Name", "s", NULL, offsetof(struct parent, name), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("SysfsPath", "s", NULL, offsetof(struct parent, path), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Backend", "s", property_get_backend, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Card", "s", NULL, offsetof(struct parent, card), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Types", "a{sa{sv}}", property_get_types, 0, SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        SD_BUS_PROPERTY("SetAside", "b", property_get_set_aside, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_METHOD_WITH_ARGS("SetAside", SD_BUS_ARGS("b", set_aside, "a{sv}", options), SD_BUS_NO_RESULT,
                                method_set_aside, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};
