/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who crowds others out, and when a call of theirs may be handled. */

#include "daemon/pace.h"

#include "common/io.h"
#include "common/macro.h"
#include "daemon/client.h"
#include "daemon/device.h"
#include "daemon/gate.h"
#include "daemon/job.h"
#include "daemon/manager.h"
#include "daemon/parent.h"
#include "daemon/sender.h"
#include "daemon/store.h"

static unsigned int count_objects(const struct manager *manager) {
        return HASH_COUNT(manager->parents) + HASH_COUNT(manager->devices) + manager->store->n_definitions +
               HASH_COUNT(manager->jobs);
}

static bool asks_for_many_objects(const struct manager *manager, sd_bus_message *message) {
        return sd_bus_message_is_method_call(message, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects") &&
               count_objects(manager) > PACE_OBJECTS_MAX;
}

static bool is_bus_behind(const struct manager *manager, sd_bus_message *message) {
        uint64_t n;

        return sd_bus_get_n_queued_write(manager->bus, &n) >= 0 && n > 0 &&
               (n > PACE_BEHIND_MAX ? gate_is_reader(message) : asks_for_many_objects(manager, message));
}

static bool is_busy(struct manager *manager, const struct sender *sender) {
        const struct client *client = client_find(manager, sender->name);

        return sender->n_calls + (client ? client->n_jobs : 0) >= PACE_CALLS;
}

static bool crowds(struct manager *manager, struct sender *sender, uint64_t now) {
        if (is_busy(manager, sender)) {
                if (sender->busy_since == 0)
                        sender->busy_since = now;
                if (now - sender->busy_since >= PACE_PATIENCE_USEC)
                        sender->crowds_until = now + PACE_LAPSE_USEC;
        } else if (sender->crowds_until <= now)
                sender->busy_since = 0;

        sender_keep(sender, now + PACE_PATIENCE_USEC);
        return sender->crowds_until > now;
}

static void count_call(struct sender *sender, uint64_t now) {
        if (sender->count_until <= now) {
                sender->count_until = now + PACE_PATIENCE_USEC;
                sender->n_counted = 0;
        }
        if (++sender->n_counted >= PACE_COUNT)
                sender->crowds_until = now + PACE_LAPSE_USEC;
}

uint64_t pace_ready_usec(struct pace *pace, struct manager *manager, struct sender *sender, sd_bus_message *message,
                         uint64_t now) {
        uint64_t ready = 0;

        if (manager->draining)
                return 0;

        if (crowds(manager, sender, now)) {
                uint64_t left = pace->others_usec + PACE_OTHERS_USEC;

                ready = pace->crowds_usec < left ? pace->crowds_usec : left;
        }
        if (sender->objects_usec > ready && asks_for_many_objects(manager, message))
                ready = sender->objects_usec;
        if (ready <= now && is_bus_behind(manager, message))
                ready = now + PACE_BEHIND_USEC;
        return ready;
}

bool pace_begin(struct pace *pace, struct manager *manager, struct sender *sender, sd_bus_message *message, uint64_t now) {
        bool crowding;

        if (asks_for_many_objects(manager, message)) {
                sender->objects_usec = now + PACE_OBJECTS_USEC;
                sender_keep(sender, sender->objects_usec);
        }
        count_call(sender, now);
        crowding = crowds(manager, sender, now);
        if (crowding)
                pace->crowds_usec = now + PACE_PAUSE_USEC;
        else
                pace->others_usec = now;
        return crowding;
}

void pace_end(struct pace *pace, uint64_t now, uint64_t took) {
        uint64_t pause = PACE_FACTOR * took;

        if (pause > PACE_PAUSE_MAX_USEC)
                pause = PACE_PAUSE_MAX_USEC;
        if (pause > PACE_PAUSE_USEC)
                pace->crowds_usec = now + pause;
}
