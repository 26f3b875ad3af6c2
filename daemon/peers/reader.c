/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of methods that only read. */

#include "daemon/peers/reader.h"

#include "common/bus-names.h"
#include "common/macro.h"

static const struct {
        const char *interface;
        const char *member;     /* NULL: each method of the interface */
} readers[] = {
        { "org.freedesktop.DBus.Introspectable", NULL },
        { "org.freedesktop.DBus.ObjectManager", NULL },
        { "org.freedesktop.DBus.Peer", NULL },
        { "org.freedesktop.DBus.Properties", "Get" },
        { "org.freedesktop.DBus.Properties", "GetAll" },
        { BUS_MANAGER, "GetDefinition" },
        { BUS_MANAGER, "GetDevice" },
        { BUS_MANAGER, "GetJob" },
        { BUS_MANAGER, "GetParent" },
        { BUS_MANAGER, "ListCards" },
        { BUS_MANAGER, "ListDefinitions" },
        { BUS_MANAGER, "ListDevices" },
        { BUS_MANAGER, "ListJobs" },
        { BUS_MANAGER, "ListParents" },
        { BUS_MANAGER, "ListTypes" },
};

bool call_is_reader(sd_bus_message *message) {
        const char *interface = sd_bus_message_get_interface(message), *member = sd_bus_message_get_member(message);

        for (size_t i = 0; i < ELEMENTSOF(readers); i++)
                if (interface && streq(interface, readers[i].interface) &&
                    (!readers[i].member || streq(member, readers[i].member)))
                        return true;
        return false;
}
