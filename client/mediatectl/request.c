/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the verbs that change something have in common. */

#include "client/mediatectl/request.h"

#include <errno.h>

#include "client/output/tell.h"
#include "client/shared/array.h"
#include "client/shared/callout.h"
#include "client/shared/manager-call.h"
#include "common/attribute-bus.h"

int targets_add(struct targets *targets, const char *uuid, const char *parent) {
        struct target *target = array_add(&targets->items, &targets->n, sizeof(*target));

        if (!target)
                return -ENOMEM;
        *target = (struct target) { .parent = parent ? parent : "" };
        snprintf(target->uuid, sizeof(target->uuid), "%s", uuid);
        return 0;
}

void targets_clear(struct targets *targets) {
        free(targets->items);
        *targets = (struct targets) {};
}

bool targets_contain(const struct targets *targets, const char *uuid) {
        for (size_t i = 0; i < targets->n; i++)
                if (streq(targets->items[i].uuid, uuid))
                        return true;
        return false;
}

int targets_parse(struct client *client, char **arguments, size_t n, enum known prefer, struct targets *ret) {
        for (size_t i = 0; i < n; i++) {
                char uuid[UUID_TEXT_SIZE];
                int r;

                r = resolve_uuid(client, arguments[i], prefer, uuid);
                if (r == 0 && !targets_contain(ret, uuid))
                        r = targets_add(ret, uuid, client->options->parent);
                if (r != 0)
                        return r;
        }

        return 0;
}

int targets_all_definitions(struct client *client, bool inactive, struct targets *ret) {
        const struct listed_definition_list *definitions = &client->lists.definitions;
        const char *place = client->options->parent;
        int r;

        r = lists_definitions(client);
        if (r == 0 && place)
                r = lists_parents(client);
        for (size_t i = 0; r == 0 && i < definitions->n; i++) {
                const struct listed_definition *definition = &definitions->items[i];

                if ((inactive && definition->active) || !*definition->type ||
                    (place && !lists_is_on(&client->lists, definition->parent, place)))
                        continue;
                r = targets_add(ret, definition->uuid, definition->parent);
        }
        return r;
}

int targets_definitions(struct client *client, char **arguments, size_t n, bool inactive, struct targets *ret) {
        if (option_given(client->options, OPTION_ALL))
                return n > 0 ? tell_usage("--all and UUIDs do not go together")
                             : targets_all_definitions(client, inactive, ret);
        if (n == 0)
                return tell_usage("name UUIDs, or --all");
        return targets_parse(client, arguments, n, KNOWN_DEFINITIONS, ret);
}

int attributes_parse(char **arguments, size_t *n, struct attributes *ret) {
        size_t n_others = 0;

        for (size_t i = 0; i < *n; i++) {
                const char *equals = strchr(arguments[i], '=');
                _cleanup_free_ char *name = NULL;
                int r;

                if (!equals) {
                        arguments[n_others++] = arguments[i];
                        continue;
                }
                name = strndup(arguments[i], (size_t) (equals - arguments[i]));
                if (!name)
                        return -ENOMEM;
                r = attributes_append(ret, name, equals + 1);
                if (r < 0)
                        return r;
        }

        *n = n_others;
        return 0;
}

static int append_options(sd_bus_message *message, struct client *client) {
        static const struct {
                enum option_id option;
                const char *name;
        } booleans[] = {
                { OPTION_WAIT, "wait" }, { OPTION_SETTLE, "settle" },   { OPTION_FORCE, "force" },
                { OPTION_LIVE, "live" }, { OPTION_DEFINED, "defined" },
        };
        const struct options *options = client->options;
        /* `create --define --settle` calls Define as well, after which udev has nothing to do. */
        bool is_define = streq(sd_bus_message_get_member(message), "Define");
        int r;

        r = sd_bus_message_open_container(message, 'a', "{sv}");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(booleans); i++)
                if (option_given(options, booleans[i].option) && !(is_define && booleans[i].option == OPTION_SETTLE))
                        r = sd_bus_message_append(message, "{sv}", booleans[i].name, "b", true);
        if (r >= 0 && option_given(options, OPTION_TIMEOUT))
                r = sd_bus_message_append(message, "{sv}", "timeout-usec", "t", options->timeout_usec);
        if (r >= 0 && client_is_local(client))
                r = callout_append_option(message);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

int request_add(struct calls *calls, sd_bus_message *message, const char *subject) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *owned = message;
        int r;

        r = append_options(message, calls->client);
        return r < 0 ? r : calls_add(calls, TAKE_PTR(owned), subject);
}

int request_add_define(struct calls *calls, const char *uuid, const char *parent, const char *type, const char *start,
                       const struct attributes *attributes) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = manager_call_new(calls->client->bus, &message, "Define", "ssss", uuid, parent, type, start);
        if (r >= 0)
                r = attributes_append_to_message(message, attributes);
        return r < 0 ? r : request_add(calls, TAKE_PTR(message), *uuid ? uuid : NULL);
}

int request_run(struct calls *calls, const char *doing) {
        int r;

        client_start_agent(calls->client);
        /* A progress line would overwrite the agent's question. */
        r = calls_run(calls, calls->client->agent > 0 ? NULL : doing);
        return r != 0 ? r : calls_tell(calls);
}

void request_sum_up(const struct calls *calls, const char *done, const char *thing) {
        size_t n_failed = 0, n_done;

        if (!option_given(calls->client->options, OPTION_ALL))
                return;
        for (size_t i = 0; i < calls->n; i++)
                n_failed += call_error(&calls->items[i]) != NULL;
        n_done = calls->n - n_failed;
        if (calls->n == 0)
                tell_note("Nothing to do");
        else if (n_failed > 0)
                tell_note("%s %zu %s%s; %zu failed", done, n_done, thing, n_done == 1 ? "" : "s", n_failed);
        else
                tell_note("%s %zu %s%s", done, n_done, thing, n_done == 1 ? "" : "s");
}
