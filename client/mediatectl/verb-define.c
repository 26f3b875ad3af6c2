/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl define and undefine. */

#include <errno.h>

#include "client/mediatectl/dry-run.h"
#include "client/mediatectl/notes.h"
#include "client/mediatectl/place.h"
#include "client/mediatectl/request.h"
#include "client/mediatectl/resolve.h"
#include "client/mediatectl/verbs.h"
#include "client/output/tell.h"
#include "client/output/terminal.h"
#include "client/shared/manager-call.h"

struct definition_request {
        const char *parent, *type, *start;
        const struct attributes *attributes;
};

static int add_define(struct calls *calls, const char *uuid, const struct definition_request *request) {
        return request_add_define(calls, uuid, request->parent, request->type, request->start, request->attributes);
}

static int read_uuid(const struct call *call, const char **ret) {
        int r;

        r = sd_bus_message_rewind(call->reply, true);
        return r < 0 ? r : sd_bus_message_read(call->reply, "s", ret);
}

/* Prints the UUID, if the daemon has chosen it. */
static int print_new_uuid(const struct calls *calls) {
        const char *uuid;
        int r;

        if (calls->n != 1 || calls->items[0].subject || call_error(&calls->items[0]))
                return 0;
        r = read_uuid(&calls->items[0], &uuid);
        if (r < 0)
                return r;
        put_printable(stdout, uuid);
        putchar('\n');
        return 0;
}

/* Warns about definitions that were stored and cannot start as things are. */
static int warn_defined(struct client *client, const struct calls *calls, const struct definition_request *request) {
        bool warned = false;
        int r = 0;

        for (size_t i = 0; r == 0 && i < calls->n; i++) {
                if (call_error(&calls->items[i]))
                        continue;
                if (!warned)
                        r = place_warn(client, request->parent, request->type);
                warned = true;
                if (r == 0 && calls->items[i].subject)
                        r = place_warn_attributes(client, calls->items[i].subject, request->parent, request->type,
                                                  request->attributes);
        }
        return r;
}

static bool is_active(const struct lists *lists, const char *uuid, const char *parent) {
        const struct listed_device *device = lists_find_device(lists, uuid);

        return device && streq(device->parent, parent);
}

static int note_defined(struct client *client, const struct calls *calls, const struct definition_request *request) {
        struct notes notes = {};
        int r;

        if (!streq(request->start, "auto") || !tell_shows_notes())
                return 0;
        r = lists_devices(client);
        for (size_t i = 0; r == 0 && i < calls->n; i++) {
                const char *uuid;

                if (call_error(&calls->items[i]))
                        continue;
                r = read_uuid(&calls->items[i], &uuid);
                if (r >= 0)
                        r = notes_add_start(client, &notes, uuid, request->parent,
                                            is_active(&client->lists, uuid, request->parent));
        }
        if (r == 0)
                notes_print(&notes, false);
        return r;
}

/* Whether the arguments are the UUIDs of active devices, whose parents and types are taken, and not PARENT TYPE. */
static bool is_about_devices(const struct client *client, char **arguments, size_t n) {
        char uuid[UUID_TEXT_SIZE];

        return option_given(client->options, OPTION_DEVICE) || n == 1 || uuid_normalize(arguments[0], uuid) >= 0;
}

int verb_define(struct client *client, char **arguments, size_t n) {
        _cleanup_attributes_ struct attributes attributes = {};
        _cleanup_targets_ struct targets targets = {};
        _cleanup_calls_ struct calls calls = { .client = client };
        struct definition_request request = {
                "", "", option_given(client->options, OPTION_AUTO) ? "auto" : "manual", &attributes,
        };
        enum known known = KNOWN_DEVICES;
        int r, status;

        r = attributes_parse(arguments, &n, &attributes);
        if (r < 0)
                return r;
        if (n == 0)
                return tell_usage("define takes a parent and a type, or --device and UUIDs of active devices");
        r = client_connect(client);
        if (r != 0)
                return r;
        if (!is_about_devices(client, arguments, n)) {
                request.parent = arguments[0];
                request.type = arguments[1];
                r = resolve_new_parent(client, request.parent);
                if (r == 0)
                        r = resolve_short_parent(client, &request.parent);
                if (r != 0)
                        return r;
                arguments += 2;
                n -= 2;
                known |= KNOWN_OR_NEW;
        }

        r = targets_parse(client, arguments, n, known, &targets);
        for (size_t i = 0; r == 0 && i < targets.n; i++)
                r = add_define(&calls, targets.items[i].uuid, &request);
        if (r == 0 && targets.n == 0)
                r = add_define(&calls, "", &request);
        if (r != 0)
                return r;

        status = request_run(&calls, "Defining");
        r = print_new_uuid(&calls);
        if (r == 0 && *request.parent)
                r = warn_defined(client, &calls, &request);
        if (r == 0 && *request.parent)
                r = note_defined(client, &calls, &request);
        return r != 0 ? r : status;
}

static int add_undefine(struct calls *calls, const struct target *target) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = manager_call_new(calls->client->bus, &message, "Undefine", "ss", target->uuid, target->parent);
        return r < 0 ? r : request_add(calls, TAKE_PTR(message), target->uuid);
}

int verb_undefine(struct client *client, char **arguments, size_t n) {
        _cleanup_targets_ struct targets targets = {};
        _cleanup_calls_ struct calls calls = { .client = client };
        int r;

        r = client_connect(client);
        if (r == 0)
                r = targets_definitions(client, arguments, n, false, &targets);
        if (r == 0 && option_given(client->options, OPTION_DRY_RUN))
                return dry_run_definitions(client, &targets, "undefine", false, true);
        for (size_t i = 0; r == 0 && i < targets.n; i++)
                r = add_undefine(&calls, &targets.items[i]);
        if (r != 0)
                return r;
        r = request_run(&calls, "Undefining");
        request_sum_up(&calls, "Removed", "definition");
        return r;
}
