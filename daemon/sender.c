/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connections that ask: a table by name, and a timer that forgets. */

#include "daemon/sender.h"

#include <errno.h>

#include "common/io.h"
#include "common/macro.h"
#include "daemon/log-limit.h"
#include "daemon/manager.h"

#define FORGET_USEC (1 * USEC_PER_SEC)

static void sender_free(struct manager *manager, struct sender *sender) {
        log_limit_end(sender);
        HASH_DEL(manager->senders, sender);
        free(sender->name);
        free(sender);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct manager *manager = userdata;
        struct sender *sender, *next;
        uint64_t t = now_usec();

        HASH_ITER(hh, manager->senders, sender, next)
                if (!sender->calls && sender->until <= t)
                        sender_free(manager, sender);
        if (!manager->senders)
                return 0;
        (void) sd_event_source_set_time_relative(source, FORGET_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

struct sender *sender_find(struct manager *manager, const char *name) {
        struct sender *sender;

        HASH_FIND_STR(manager->senders, name, sender);
        return sender;
}

struct sender *sender_get(struct manager *manager, const char *name) {
        struct sender *sender = sender_find(manager, name);

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
        if (!manager->senders && sd_event_source_set_time_relative(manager->sender_timer, FORGET_USEC) >= 0)
                (void) sd_event_source_set_enabled(manager->sender_timer, SD_EVENT_ONESHOT);
        HASH_ADD_KEYPTR(hh, manager->senders, sender->name, strlen(sender->name), sender);
        return sender;
}

void sender_keep(struct sender *sender, uint64_t until) {
        if (sender->until < until)
                sender->until = until;
}

int senders_init(struct manager *manager) {
        int r;

        r = sd_event_add_time_relative(manager->event, &manager->sender_timer, CLOCK_MONOTONIC, 0, 1, on_timer, manager);
        return r < 0 ? r : sd_event_source_set_enabled(manager->sender_timer, SD_EVENT_OFF);
}

void senders_free(struct manager *manager) {
        struct sender *sender, *next;

        HASH_ITER(hh, manager->senders, sender, next)
                sender_free(manager, sender);
        manager->sender_timer = sd_event_source_disable_unref(manager->sender_timer);
}
