/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests wait here until it is known whose connection asks.
 *
 * One that was held is put at the end of what the bus has read, and comes by once more. What its connection has sent
 * meanwhile, and is before it there, must not overtake it: that is held as well, behind it. */

#include "daemon/gate.h"

#include <errno.h>
#include <utlist.h>

#include "daemon/answer-size.h"
#include "daemon/authorization.h"
#include "daemon/bus-names.h"
#include "daemon/bus-util.h"
#include "daemon/client.h"
#include "daemon/manager.h"
#include "daemon/message-size.h"
#include "daemon/turns.h"

struct held_request {
        sd_bus_message *message;
        struct held_request *prev, *next;
};

/* They are free to all. */
static const struct {
        const char *interface;
        const char *member;     /* NULL: all */
} readers[] = {
        { "org.freedesktop.DBus.Introspectable", NULL },
        { "org.freedesktop.DBus.ObjectManager", NULL },
        { "org.freedesktop.DBus.Peer", NULL },
        { "org.freedesktop.DBus.Properties", "Get" },
        { "org.freedesktop.DBus.Properties", "GetAll" },
        { BUS_MANAGER, "Dump" },
        { BUS_MANAGER, "GetDefinition" },
        { BUS_MANAGER, "GetDevice" },
        { BUS_MANAGER, "GetJob" },
        { BUS_MANAGER, "GetParent" },
        { BUS_MANAGER, "ListDefinitions" },
        { BUS_MANAGER, "ListDevices" },
        { BUS_MANAGER, "ListJobs" },
        { BUS_MANAGER, "ListParents" },
        { BUS_MANAGER, "ListTypes" },
};

bool gate_is_reader(sd_bus_message *message) {
        const char *interface = sd_bus_message_get_interface(message), *member = sd_bus_message_get_member(message);

        for (size_t i = 0; i < ELEMENTSOF(readers); i++)
                if (interface && streq(interface, readers[i].interface) &&
                    (!readers[i].member || streq(member, readers[i].member)))
                        return true;
        return false;
}

static void held_request_free(struct client *client, struct held_request *held) {
        DL_DELETE(client->held, held);
        client->n_held--;
        sd_bus_message_unref(held->message);
        free(held);
}

void gate_drop(struct client *client) {
        while (client->held)
                held_request_free(client, client->held);
}

/* Returns false when it could not be, and was answered. */
static bool send_on(struct client *client, sd_bus_message *message) {
        int r;

        r = turns_send_on(client->manager->turns, message);
        if (r < 0)
                (void) sd_bus_reply_method_errno(message, r, NULL);
        return r >= 0;
}

void gate_open(struct client *client) {
        struct held_request *held, *next;

        DL_FOREACH_SAFE(client->held, held, next)
                if (!send_on(client, held->message))
                        held_request_free(client, held);
}

static int hold(struct client *client, sd_bus_message *message) {
        struct held_request *held;

        if (client->n_held >= CLIENT_JOBS_MAX)
                return bus_fail(message, FAILURE_LIMITS_EXCEEDED,
                                "This connection has %d unfinished requests already; wait for one to finish",
                                CLIENT_JOBS_MAX);
        held = calloc(1, sizeof(*held));
        if (!held)
                return -ENOMEM;
        if (client->identified && !send_on(client, message)) {
                free(held);
                return 1;
        }
        held->message = sd_bus_message_ref(message);
        DL_APPEND(client->held, held);
        client->n_held++;
        return 1;
}

static int refuse_too_large(struct manager *manager, sd_bus_message *message) {
        if (!answer_may_be_too_large(manager, message))
                return 0;
        return bus_fail(message, FAILURE_LIMITS_EXCEEDED,
                        "The answer would be larger than the bus takes; Dump tells all, Get and GetAll what a single object has");
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        const char *sender = sd_bus_message_get_sender(message);
        struct manager *manager = userdata;
        struct client *client;
        int r;

        if (!sd_bus_message_is_method_call(message, NULL, NULL))
                return 0;
        if (gate_is_reader(message))
                return refuse_too_large(manager, message);
        if (!sender)
                return -EACCES;
        r = message_is_larger(message, REQUEST_SIZE_MAX);
        if (r < 0)
                return r;
        if (r > 0)
                return bus_fail(message, FAILURE_LIMITS_EXCEEDED, "The request is larger than %d bytes", REQUEST_SIZE_MAX);

        r = client_get(manager, sender, &client);
        if (r == -EDQUOT)
                return bus_fail(message, FAILURE_LIMITS_EXCEEDED,
                                "%d connections have unfinished requests already; ask again when some are finished",
                                CLIENTS_MAX);
        if (r < 0)
                return r;

        if (client->left)
                return 1;
        if (!client->identified || (client->held && client->held->message != message))
                return hold(client, message);
        if (client->held)
                held_request_free(client, client->held);
        authorization_enter(manager, message);
        return 0;
}

int gate_attach(struct manager *manager) {
        int r;

        r = sd_bus_add_filter(manager->bus, NULL, on_message, manager);
        return r < 0 ? r : 0;
}
