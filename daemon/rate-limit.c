/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rate limits. A connection is remembered for as long as a limit of it runs. */

#include "daemon/rate-limit.h"

#include <errno.h>
#include <uthash.h>

#include "common/io.h"
#include "common/macro.h"
#include "daemon/bus-util.h"
#include "daemon/device.h"
#include "daemon/job.h"
#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/parent.h"
#include "daemon/store.h"

struct sender {
        char *name;
        uint64_t objects_until;         /* no GetManagedObjects before that */
        uint64_t logs_until;            /* so long n_logs counts */
        unsigned int n_logs;
        UT_hash_handle hh;              /* by name */
};

struct rate_limits {
        struct manager *manager;
        struct sender *senders;
        sd_event_source *timer;         /* forgets */
};

static void sender_free(struct rate_limits *limits, struct sender *sender) {
        HASH_DEL(limits->senders, sender);
        free(sender->name);
        free(sender);
}

static void end_logs(struct sender *sender) {
        if (sender->n_logs > RATE_LOGS_MAX)
                log_warning("%u more jobs of connection %s have failed and were not logged",
                            sender->n_logs - RATE_LOGS_MAX, sender->name);
        sender->n_logs = 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct rate_limits *limits = userdata;
        struct sender *sender, *next;
        uint64_t t = now_usec();

        HASH_ITER(hh, limits->senders, sender, next) {
                if (sender->logs_until <= t)
                        end_logs(sender);
                if (sender->logs_until <= t && sender->objects_until <= t)
                        sender_free(limits, sender);
        }
        if (!limits->senders)
                return 0;
        (void) sd_event_source_set_time_relative(source, RATE_OBJECTS_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static struct sender *sender_get(struct rate_limits *limits, const char *name) {
        struct sender *sender;

        HASH_FIND_STR(limits->senders, name, sender);
        if (sender)
                return sender;

        sender = calloc(1, sizeof(*sender));
        if (!sender)
                return NULL;
        sender->name = strdup(name);
        if (!sender->name) {
                free(sender);
                return NULL;
        }
        if (!limits->senders && sd_event_source_set_time_relative(limits->timer, RATE_OBJECTS_USEC) >= 0)
                (void) sd_event_source_set_enabled(limits->timer, SD_EVENT_ONESHOT);
        HASH_ADD_KEYPTR(hh, limits->senders, sender->name, strlen(sender->name), sender);
        return sender;
}

bool rate_limit_log(struct manager *manager, const char *name) {
        struct sender *sender = manager->rate_limits ? sender_get(manager->rate_limits, name) : NULL;
        uint64_t t = now_usec();

        if (!sender)
                return true;
        if (sender->logs_until <= t) {
                end_logs(sender);
                sender->logs_until = t + RATE_LOGS_USEC;
        }
        return ++sender->n_logs <= RATE_LOGS_MAX;
}

static unsigned int count_objects(const struct manager *manager) {
        return HASH_COUNT(manager->parents) + HASH_COUNT(manager->devices) + manager->store->n_definitions +
               HASH_COUNT(manager->jobs);
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct rate_limits *limits = userdata;
        const char *name = sd_bus_message_get_sender(message);
        struct sender *sender;
        uint64_t t;

        if (!sd_bus_message_is_method_call(message, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects") || !name ||
            count_objects(limits->manager) <= RATE_OBJECTS_MAX)
                return 0;

        sender = sender_get(limits, name);
        if (!sender)
                return -ENOMEM;
        t = now_usec();
        if (sender->objects_until > t)
                return bus_fail(message, FAILURE_LIMITS_EXCEEDED,
                                "GetManagedObjects may be called once a second as long as there are more than %d objects; "
                                "use ListDevices, ListDefinitions or Dump, and signals", RATE_OBJECTS_MAX);
        sender->objects_until = t + RATE_OBJECTS_USEC;
        return 0;
}

struct rate_limits *rate_limits_free(struct rate_limits *limits) {
        struct sender *sender, *next;

        if (!limits)
                return NULL;

        HASH_ITER(hh, limits->senders, sender, next)
                sender_free(limits, sender);
        sd_event_source_disable_unref(limits->timer);
        free(limits);
        return NULL;
}

int rate_limits_attach(struct manager *manager) {
        struct rate_limits *limits;
        int r;

        limits = calloc(1, sizeof(*limits));
        if (!limits)
                return -ENOMEM;
        limits->manager = manager;
        manager->rate_limits = limits;

        r = sd_event_add_time_relative(manager->event, &limits->timer, CLOCK_MONOTONIC, 0, 1, on_timer, limits);
        if (r >= 0)
                r = sd_event_source_set_enabled(limits->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_bus_add_filter(manager->bus, NULL, on_message, limits);
        return r < 0 ? r : 0;
}
