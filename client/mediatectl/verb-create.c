/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl create. */

#include <errno.h>

#include "client/mediatectl/explain.h"
#include "client/mediatectl/request.h"
#include "client/mediatectl/verbs.h"
#include "client/output/tell.h"
#include "client/output/terminal.h"
#include "client/shared/manager-call.h"
#include "common/attribute-bus.h"

static int add_create(struct calls *calls, const char *uuid, const char *parent, const char *type,
                      const struct attributes *attributes) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = manager_call_new(calls->client->bus, &message, "CreateDevice", "sss", uuid, parent, type);
        if (r >= 0)
                r = attributes_append_to_message(message, attributes);
        return r < 0 ? r : request_add(calls, TAKE_PTR(message), *uuid ? uuid : NULL);
}

/* Prints the UUIDs of the new devices, for scripts, and adds calls to @ret that define these devices: on the parents
 * that they have got, with their types and attributes. */
static int print_uuids(const struct calls *calls, struct calls *ret) {
        const char *start = option_given(calls->client->options, OPTION_AUTO) ? "auto" : "manual";

        for (size_t i = 0; i < calls->n; i++) {
                const char *uuid;
                int r;

                if (call_error(&calls->items[i]))
                        continue;
                r = sd_bus_message_read(calls->items[i].reply, "s", &uuid);
                if (r >= 0)
                        r = request_add_define(ret, uuid, "", "", start, &(struct attributes) {});
                if (r < 0)
                        return r;
                put_printable(stdout, uuid);
                putchar('\n');
        }
        return 0;
}

/* Returns a status. */
static int define_devices(struct calls *calls) {
        int r, status = STATUS_DONE;

        r = calls_run(calls, calls->client->agent > 0 ? NULL : "Defining");
        for (size_t i = 0; r == 0 && i < calls->n; i++) {
                const struct call *call = &calls->items[i];
                const sd_bus_error *error = call_error(call);
                _cleanup_free_ char *text = NULL;

                if (!error)
                        continue;
                r = explain_error(calls->client, call->message, error, &text);
                if (r == 0)
                        status = tell_status(STATUS_FAILED, "Device %s was created and stays, but it is not defined. "
                                             "%s", call->subject, text);
        }
        return r != 0 ? r : status;
}

int verb_create(struct client *client, char **arguments, size_t n) {
        _cleanup_attributes_ struct attributes attributes = {};
        _cleanup_targets_ struct targets targets = {};
        _cleanup_calls_ struct calls calls = { .client = client }, defines = { .client = client };
        unsigned int count = client->options->count;
        const char *parent;
        int r, status;

        r = attributes_parse(arguments, &n, &attributes);
        if (r < 0)
                return r;
        if (n < 2)
                return tell_usage("create takes a parent and a type");
        if (n > 2 && count > 0)
                return tell_usage("--count and UUIDs do not go together");

        parent = arguments[0];
        r = client_connect(client);
        if (r == 0)
                r = resolve_short_parent(client, &parent);
        if (r == 0)
                r = targets_parse(client, arguments + 2, n - 2, KNOWN_DEFINITIONS | KNOWN_OR_NEW, &targets);
        for (size_t i = 0; r == 0 && i < targets.n; i++)
                r = add_create(&calls, targets.items[i].uuid, parent, arguments[1], &attributes);
        if (targets.n == 0 && count == 0)
                count = 1;
        for (unsigned int i = 0; r == 0 && i < count; i++)
                r = add_create(&calls, "", parent, arguments[1], &attributes);
        if (r != 0)
                return r;

        status = request_run(&calls, "Creating");
        r = print_uuids(&calls, &defines);
        if (r == 0 && (option_given(client->options, OPTION_DEFINE) || option_given(client->options, OPTION_AUTO)))
                r = define_devices(&defines);
        return r != 0 ? r : status;
}
