/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors of the daemon in the words of the command line. */

#include "client/mediatectl/explain.h"

#include <errno.h>

#include "client/mediatectl/calls.h"
#include "client/mediatectl/place.h"
#include "client/output/tell.h"
#include "client/shared/suggest.h"
#include "common/failure.h"
#include "common/uuid.h"

/* The names of the parents that have a definition of the UUID. */
static int defining_parents(struct client *client, const char *uuid, char **ret) {
        const struct listed_definition_list *definitions = &client->lists.definitions;
        _cleanup_free_ const char **names = NULL;
        size_t n = 0;
        int r;

        r = lists_definitions(client);
        if (r != 0)
                return r;
        names = calloc(definitions->n + 1, sizeof(*names));
        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < definitions->n; i++)
                if (streq(definitions->items[i].uuid, uuid))
                        names[n++] = definitions->items[i].parent;
        if (n == 0)
                return 0;
        *ret = suggest_list(names, n);
        return *ret ? 0 : -ENOMEM;
}

static int explain_definition(struct client *client, const struct call_arguments *arguments, bool ambiguous,
                              char **ret) {
        _cleanup_free_ char *parents = NULL;
        int r;

        r = defining_parents(client, arguments->uuid, &parents);
        if (r != 0 || !parents)
                return r;
        if (ambiguous)
                r = asprintf(ret, "Device %s is defined on several parents: %s; choose one with --parent",
                             arguments->uuid, parents);
        else
                r = asprintf(ret, "Device %s is not defined on parent '%s', but on %s", arguments->uuid,
                             arguments->parent, parents);
        return r < 0 ? -ENOMEM : 0;
}

/* The UUID is not named where it is of no importance, and may have been chosen by the daemon. */
static int explain_start(struct client *client, const struct call_arguments *arguments, char **ret) {
        const struct listed_definition_list *definitions = &client->lists.definitions;
        _cleanup_free_ char *missing = NULL;
        int r;

        if (arguments->type)
                return place_missing_on_card(client, arguments->parent, arguments->type, ret);

        r = lists_definitions(client);
        for (size_t i = 0; r == 0 && !missing && i < definitions->n; i++) {
                const struct listed_definition *definition = &definitions->items[i];

                if (listed_definition_is(definition, arguments->uuid, arguments->parent))
                        r = place_missing(client, definition->parent, definition->type, &missing);
        }
        if (r != 0 || !missing)
                return r;
        return asprintf(ret, "Cannot start %s. %s", arguments->uuid, missing) < 0 ? -ENOMEM : 0;
}

/* Nobody has given the UUID that the daemon has chosen, and without it many errors are the same. */
static void leave_out_uuid(char *text) {
        static const char before[] = "Cannot create device ", without[] = "Cannot create a device";
        const char *rest = text + strlen(before) + UUID_TEXT_SIZE - 1;

        if (strncmp(text, before, strlen(before)) != 0 || strlen(text) < strlen(before) + UUID_TEXT_SIZE - 1)
                return;
        memmove(text + strlen(without), rest, strlen(rest) + 1);
        memcpy(text, without, strlen(without));
}

int explain_error(struct client *client, sd_bus_message *call, const sd_bus_error *error, char **ret) {
        enum failure_code code = failure_code_from_name(error->name);
        struct call_arguments arguments;
        char *text = NULL;
        bool known = call_read_arguments(call, &arguments);
        int r = 0;

        if (known) {
                if (code == FAILURE_NO_SUCH_PARENT || code == FAILURE_NO_SUCH_TYPE)
                        r = explain_start(client, &arguments, &text);
                else if (code == FAILURE_AMBIGUOUS_DEFINITION || (code == FAILURE_NOT_DEFINED && *arguments.parent))
                        r = explain_definition(client, &arguments, code == FAILURE_AMBIGUOUS_DEFINITION, &text);
                else if (code == FAILURE_DEVICE_BUSY)
                        r = asprintf(&text, "%s (--wait)", error_text(error)) < 0 ? -ENOMEM : 0;
        }
        if (r < 0)
                return r;
        /* If nothing is missing any more, the daemon's text still says what was missing when the call failed. */
        if (!text)
                text = strdup(error_text(error));
        if (!text)
                return -ENOMEM;
        if (known && !*arguments.uuid)
                leave_out_uuid(text);
        *ret = text;
        return 0;
}
