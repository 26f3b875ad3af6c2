/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Replies that wait for udev. */

#include "daemon/jobs/settle.h"

#include <assert.h>
#include <errno.h>
#include <systemd/sd-event.h>
#include <utlist.h>

#include "common/io.h"
#include "common/root.h"
#include "common/uuid.h"
#include "daemon/base/log.h"
#include "daemon/base/timer.h"
#include "daemon/bus/bus-util.h"
#include "daemon/jobs/jobs.h"
#include "daemon/registry/backend.h"
#include "daemon/registry/device.h"
#include "daemon/registry/registry.h"

/* How long a reply waits for udev. libvirt itself gives udev 5 s. */
#define SETTLE_USEC (3 * USEC_PER_SEC)

struct settle {
        struct jobs *jobs;
        char uuid[UUID_TEXT_SIZE];
        uint64_t seqnum;                /* the last uevent that is older than the device */
        bool bound;                     /* whether udev has processed `bind` of the device */
        bool node_added;                /* whether udev has processed `add` of its VFIO group */
        sd_bus_message *reply;          /* the reply that waits, or NULL */
        sd_event_source *timer;
        struct settle *prev, *next;
};

static uint64_t current_seqnum(void) {
        char text[32];

        return read_text_at(root_fd(), "sys/kernel/uevent_seqnum", text, sizeof(text)) > 0 ? strtoull(text, NULL,
                                                                                                      10) : 0;
}

int settle_new(struct settle **ret, struct jobs *jobs, const char *uuid) {
        struct settle *settle;

        settle = calloc(1, sizeof(*settle));
        if (!settle)
                return -ENOMEM;
        settle->jobs = jobs;
        strcpy(settle->uuid, uuid);
        settle->seqnum = current_seqnum();
        DL_APPEND(jobs->settles, settle);

        *ret = settle;
        return 0;
}

struct settle *settle_free(struct settle *settle) {
        if (!settle)
                return NULL;

        DL_DELETE(settle->jobs->settles, settle);
        sd_event_source_disable_unref(settle->timer);
        sd_bus_message_unref(settle->reply);
        free(settle);
        return NULL;
}

static void finish(struct settle *settle) {
        int r;

        r = bus_send_reply(settle->reply);
        if (r < 0)
                log_warning_errno(r, "Failed to answer a caller that waits for device %s: %m", settle->uuid);
        if (r == -ENOMEM)
                bus_end_unanswered();
        settle_free(settle);
}

static bool is_group_of(const struct settle *settle, const char *name) {
        char group[SYSFS_NAME_SIZE];

        return device_group(settle->jobs->registry, settle->uuid, group, sizeof(group)) >= 0 && streq(group, name);
}

static bool has_group(const struct settle *settle) {
        char group[SYSFS_NAME_SIZE];

        return device_group(settle->jobs->registry, settle->uuid, group, sizeof(group)) >= 0;
}

/* A device without a VFIO group gets no node. */
static bool is_settled(const struct settle *settle) {
        const struct device *device = device_find(settle->jobs->registry, settle->uuid);

        return !device || !device->backend->subsystem ||
               (settle->bound && (settle->node_added || !has_group(settle)));
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        struct settle *settle = userdata;

        log_full(LOG_NOTICE, 0, (struct log_fields) { .uuid = settle->uuid },
                 "udev has not processed device %s within 3 s; answering anyway", settle->uuid);
        finish(settle);
        return 0;
}

bool settle_hand_over(struct settle *settle, sd_bus_message *reply) {
        assert(reply && !settle->reply);

        if (is_settled(settle) || timer_new(&settle->timer, settle->jobs->event, "settle", PRIORITY_REQUESTS,
                                            TIMER_EXACT_USEC, on_timeout, settle) < 0) {
                settle_free(settle);
                return false;
        }

        timer_arm(settle->timer, SETTLE_USEC);
        settle->reply = sd_bus_message_ref(reply);
        return true;
}

/* The device may not be known yet. */
static bool is_of_devices(const struct settle *settle, const char *subsystem) {
        const struct backend *const *backends = settle->jobs->registry->backends;

        for (size_t i = 0; backends[i]; i++)
                if (backends[i]->subsystem && streq(backends[i]->subsystem, subsystem))
                        return true;
        return false;
}

static void consider(struct settle *settle, const char *subsystem, const char *action, const char *name) {
        if (is_of_devices(settle, subsystem) && streq(action, "bind") && streq(name, settle->uuid))
                settle->bound = true;
        else if (streq(subsystem, "vfio") && streq(action, "add") && is_group_of(settle, name))
                settle->node_added = true;
        else
                return;

        if (settle->reply && is_settled(settle))
                finish(settle);
}

void settle_on_uevent(struct jobs *jobs, sd_device *event) {
        const char *path, *subsystem, *action, *seqnum;
        struct settle *settle, *next;

        if (!jobs->settles || sd_device_get_property_value(event, "DEVPATH", &path) < 0 ||
            sd_device_get_property_value(event, "SUBSYSTEM", &subsystem) < 0 ||
            sd_device_get_property_value(event, "ACTION", &action) < 0 ||
            sd_device_get_property_value(event, "SEQNUM", &seqnum) < 0)
                return;

        DL_FOREACH_SAFE(jobs->settles, settle, next)
                if (strtoull(seqnum, NULL, 10) > settle->seqnum)
                        consider(settle, subsystem, action, path_name(path));
}

void settle_finish_all(struct jobs *jobs) {
        struct settle *settle, *next;

        DL_FOREACH_SAFE(jobs->settles, settle, next)
                if (settle->reply)
                        finish(settle);
}
