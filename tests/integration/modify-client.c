/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* modify-client PARENT UUID NAME FIRST COUNT: appends COUNT attributes to a definition, NAME=FIRST and so on, each by a
 * Modify of its own, as fast as the daemon takes them, several at once. All must be answered with success. */

#include <stdio.h>
#include <systemd/sd-bus.h>

#include "common/macro.h"

/* Below the daemon's limit of jobs a connection. */
#define AT_ONCE 32

struct client {
        sd_bus *bus;
        const char *parent;
        const char *uuid;
        const char *name;
        unsigned int first;
        unsigned int count;
        unsigned int sent;
        unsigned int answered;
        bool failed;
};

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        struct client *client = userdata;

        client->answered++;
        if (error) {
                fprintf(stderr, "modify-client: %s: %s\n", error->name, error->message);
                client->failed = true;
        }
        return 0;
}

static int send_one(struct client *client) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        char value[16];
        int r;

        snprintf(value, sizeof(value), "%u", client->first + client->sent);
        r = sd_bus_message_new_method_call(client->bus, &message, "org.mediated1", "/org/mediated1",
                                           "org.mediated1.Manager", "Modify");
        if (r >= 0)
                r = sd_bus_message_append(message, "ssa{sv}a{sv}", client->uuid, client->parent, 1, "add-attributes",
                                          "a(iss)", 1, -1, client->name, value, 0);
        if (r >= 0)
                r = sd_bus_call_async(client->bus, NULL, message, on_reply, client, UINT64_MAX);
        client->sent++;
        return r;
}

static int run(struct client *client) {
        int r;

        while (client->answered < client->count && !client->failed) {
                while (client->sent < client->count && client->sent - client->answered < AT_ONCE) {
                        r = send_one(client);
                        if (r < 0)
                                return r;
                }
                r = sd_bus_process(client->bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(client->bus, UINT64_MAX);
                if (r < 0)
                        return r;
        }
        return 0;
}

int main(int argc, char *argv[]) {
        struct client client = {};
        int r;

        if (argc != 6)
                return 2;
        client.parent = argv[1];
        client.uuid = argv[2];
        client.name = argv[3];
        client.first = (unsigned int) atoi(argv[4]);
        client.count = (unsigned int) atoi(argv[5]);

        r = sd_bus_open_system(&client.bus);
        if (r >= 0)
                r = run(&client);
        if (r < 0)
                fprintf(stderr, "modify-client: %s\n", strerror(-r));
        sd_bus_flush_close_unref(client.bus);
        return r < 0 || client.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
