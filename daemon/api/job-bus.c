/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.mediated1.Job. */

#include "daemon/api/job-bus.h"

#include "daemon/api/manager-bus.h"
#include "daemon/api/manager.h"
#include "daemon/api/request-device.h"
#include "daemon/jobs/job.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"

static int property_get_uuid(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct job *job = userdata;

        return sd_bus_message_append(reply, "s", job->uuid);
}

static int property_get_kind(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct job *job = userdata;

        return sd_bus_message_append(reply, "s", job->type->name);
}

static int property_get_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct job *job = userdata;

        return sd_bus_message_append(reply, "s", job_state_to_string(job));
}

static int property_get_device(sd_bus *bus, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct job *job = userdata;
        const struct device *device = device_find(manager_of(bus)->registry, job->uuid);

        return sd_bus_message_append(reply, "o", device ? device->export.path : "/");
}

static int property_get_parent(sd_bus *bus, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct job *job = userdata;
        const struct parent *parent = job->parent ? parent_find(manager_of(bus)->registry, job->parent) : NULL;

        return sd_bus_message_append(reply, "o", parent ? parent->export.path : "/");
}

static int property_get_parent_name(sd_bus *bus, const char *path, const char *interface, const char *property,
                                    sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct job *job = userdata;

        return sd_bus_message_append(reply, "s", job->parent ? job->parent : "");
}

static int property_get_type(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct job *job = userdata;

        return sd_bus_message_append(reply, "s", job->mdev_type ? job->mdev_type : "");
}

static int property_get_caller(sd_bus *bus, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct job *job = userdata;
        const struct peer *peer = job->caller.charge.peer;

        return sd_bus_message_append(reply, "u", (uint32_t) (peer && peer->user ? peer->user->uid : USER_UNKNOWN));
}

static int property_get_timed_out(sd_bus *bus, const char *path, const char *interface, const char *property,
                                  sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const struct job *job = userdata;

        return sd_bus_message_append(reply, "b", job->result == JOB_TIMEOUT);
}

static int method_cancel(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct job *job = userdata;

        return request_cancel(manager_of(sd_bus_message_get_bus(message)), message, job->id);
}

const sd_bus_vtable job_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Id", "t", NULL, offsetof(struct job, id), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("UUID", "s", property_get_uuid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Kind", "s", property_get_kind, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Device", "o", property_get_device, 0, 0),
        SD_BUS_PROPERTY("Parent", "o", property_get_parent, 0, 0),
        SD_BUS_PROPERTY("ParentName", "s", property_get_parent_name, 0, 0),
        SD_BUS_PROPERTY("Type", "s", property_get_type, 0, 0),
        SD_BUS_PROPERTY("Caller", "u", property_get_caller, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Since", "t", NULL, offsetof(struct job, since), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", property_get_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("TimedOut", "b", property_get_timed_out, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};
