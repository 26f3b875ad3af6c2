/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ListTypes, which waits for workers, but not for ever. */

#include "daemon/api/types-query.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "daemon/api/manager.h"
#include "daemon/base/timer.h"
#include "daemon/peers/scheduler.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"

/* How long a driver may take to give its values. After that, the last known ones are the answer. */
#define QUERY_USEC USEC_PER_SEC

struct types_query {
        struct manager *manager;
        struct call *call;              /* the call, which it holds */
        char *parent;                   /* the name of a parent; empty: all */
        sd_event_source *timer;
        struct types_query *prev, *next;        /* in the manager's list */
};

static void types_query_free(struct types_query *query) {
        DL_DELETE(query->manager->types_queries, query);
        sd_event_source_disable_unref(query->timer);
        free(query->parent);
        free(query);
}

static void drop(struct types_query *query) {
        call_free(query->call);
        types_query_free(query);
}

void types_query_free_all(struct manager *manager) {
        while (manager->types_queries)
                drop(manager->types_queries);
}

static int append_parent(sd_bus_message *reply, const struct parent *parent) {
        int r;

        for (size_t i = 0; i < parent->types.n; i++) {
                const struct mdev_type *type = &parent->types.items[i];

                r = sd_bus_message_append(reply, "(ssssus)", parent->name, type->id, type->name, type->device_api,
                                          type->available, type->description);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int answer(struct manager *manager, sd_bus_message *message, const char *parent_name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct parent *parent, *next;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "(ssssus)");
        if (r < 0)
                return r;

        HASH_ITER(hh, manager->registry->parents, parent, next) {
                if (*parent_name && !streq(parent_name, parent->name))
                        continue;
                r = append_parent(reply, parent);
                if (r < 0)
                        return r;
        }

        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

/* Many calls may have waited for one slow driver. They are answered when their turns come. */
static void finish(struct types_query *query) {
        call_resume(query->call);
        types_query_free(query);
}

static bool is_complete(const struct manager *manager, const char *parent_name) {
        struct parent *parent, *next;

        HASH_ITER(hh, manager->registry->parents, parent, next)
                if (parent->reading && (!*parent_name || streq(parent_name, parent->name)))
                        return false;

        return true;
}

void types_query_check(struct manager *manager) {
        struct types_query *query, *next;

        DL_FOREACH_SAFE(manager->types_queries, query, next)
                if (is_complete(manager, query->parent))
                        finish(query);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        finish(userdata);
        return 0;
}

static void on_left(struct charge *charge) {
        struct types_query *query = call_of_charge(charge)->owner;

        assert(query && &query->call->charge == charge);
        drop(query);
}

int types_query_start(struct manager *manager, sd_bus_message *message, const char *parent_name) {
        struct call *call = scheduler_current(manager->scheduler, message);
        struct types_query *query;
        struct parent *parent;
        int r;

        if (!call)
                return -EACCES;
        if (call->resumed)
                return answer(manager, message, parent_name);
        parent = *parent_name ? parent_find(manager->registry, parent_name) : NULL;
        if (parent)
                parent_refresh_types(parent);
        else if (!*parent_name)
                parent_refresh_all_types(manager->registry);
        if (is_complete(manager, parent_name))
                return answer(manager, message, parent_name);

        query = calloc(1, sizeof(*query));
        if (!query)
                return -ENOMEM;
        query->manager = manager;
        query->call = call;
        query->parent = strdup(parent_name);
        DL_APPEND(manager->types_queries, query);
        r = query->parent ? timer_new(&query->timer, manager->event, "end of ListTypes", PRIORITY_REQUESTS,
                                      TIMER_EXACT_USEC, on_timeout, query) : -ENOMEM;
        if (r < 0) {
                types_query_free(query);
                return r;
        }
        timer_arm(query->timer, QUERY_USEC);
        call_hold(call, query, on_left);
        return 1;
}
