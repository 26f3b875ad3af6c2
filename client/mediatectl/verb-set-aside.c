/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl set-aside. */

#include <errno.h>

#include "client/mediatectl/calls.h"
#include "client/mediatectl/place.h"
#include "client/mediatectl/resolve.h"
#include "client/mediatectl/verbs.h"
#include "client/output/tell.h"

static int add_call(struct calls *calls, const struct listed_parent *parent, bool clear) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(calls->client->bus, &message, BUS_NAME, parent->path, BUS_PARENT,
                                           "SetAside");
        if (r >= 0)
                r = sd_bus_message_append(message, "ba{sv}", !clear, 0);
        return r < 0 ? r : calls_add(calls, TAKE_PTR(message), NULL);
}

static int add_named(struct calls *calls, const char *name, bool clear) {
        _cleanup_free_ char *missing = NULL;
        int r;

        r = resolve_short_parent(calls->client, &name);
        if (r == 0)
                r = place_missing(calls->client, name, NULL, &missing);
        if (r != 0)
                return r;
        if (missing)
                return tell_status(STATUS_NOT_FOUND, "%s", missing);
        return add_call(calls, lists_find_parent(&calls->client->lists, name), clear);
}

int verb_set_aside(struct client *client, char **arguments, size_t n) {
        _cleanup_calls_ struct calls calls = { .client = client };
        bool clear = option_given(client->options, OPTION_CLEAR);
        int r;

        r = lists_parents(client);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = add_named(&calls, arguments[i], clear);
        if (r != 0)
                return r;

        client_start_agent(client);
        r = calls_run(&calls, "Setting aside");
        return r != 0 ? r : calls_tell(&calls);
}
