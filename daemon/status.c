/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Notifications to systemd, see sd_notify(3). */

#include "daemon/status.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

#include "common/io.h"
#include "daemon/device.h"
#include "daemon/manager.h"
#include "daemon/parent.h"
#include "daemon/store.h"

static bool is_pending(const struct status *status) {
        int enabled;

        return sd_event_source_get_enabled(status->timer, &enabled) > 0;
}

/* Returns whether it is another one than before. */
static bool format(struct manager *manager) {
        char text[sizeof(manager->status.text)];

        snprintf(text, sizeof(text), "STATUS=%u parents, %u devices, %u definitions.", HASH_COUNT(manager->parents),
                 HASH_COUNT(manager->devices), manager->store->n_definitions);
        if (streq(text, manager->status.text))
                return false;

        strcpy(manager->status.text, text);
        return true;
}

void status_changed(struct manager *manager) {
        struct status *status = &manager->status;

        if (manager->draining || is_pending(status) || !format(manager))
                return;

        (void) sd_notify(false, status->text);
        if (sd_event_source_set_time_relative(status->timer, STATUS_USEC) >= 0)
                (void) sd_event_source_set_enabled(status->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        status_changed(userdata);
        return 0;
}

void status_ready(struct manager *manager) {
        (void) format(manager);
        (void) sd_notifyf(false, "READY=1\n%s", manager->status.text);
}

void status_reloading(void) {
        (void) sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_usec());
}

void status_stopping(void) {
        (void) sd_notify(false, "STOPPING=1\nSTATUS=Finishing running jobs.");
}

int status_init(struct manager *manager) {
        int r;

        r = sd_event_add_time_relative(manager->event, &manager->status.timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timer,
                                       manager);
        return r < 0 ? r : sd_event_source_set_enabled(manager->status.timer, SD_EVENT_OFF);
}

void status_done(struct manager *manager) {
        manager->status.timer = sd_event_source_disable_unref(manager->status.timer);
}
