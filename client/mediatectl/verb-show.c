/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl show: everything known about devices, definitions, parents and cards. It is collected as JSON, and printed
 * as that or, for people, as lists of fields. */

#include <errno.h>

#include "client/mediatectl/facts.h"
#include "client/mediatectl/place.h"
#include "client/mediatectl/resolve.h"
#include "client/mediatectl/verbs.h"
#include "client/output/tell.h"
#include "client/output/uuid-prefix.h"
#include "client/shared/bus-json.h"

/* Shows everything that has the UUID, on any parent. */
static int show_uuid(struct client *client, const char *uuid, struct facts *facts) {
        _cleanup_entries_ struct entries all = {}, entries = {};
        int r;

        r = entries_new(client, &all);
        if (r != 0)
                return r;
        entries.items = calloc(all.n + 1, sizeof(*entries.items));
        if (!entries.items)
                return -ENOMEM;
        for (size_t i = 0; i < all.n; i++)
                if (streq(all.items[i].uuid, uuid))
                        entries.items[entries.n++] = all.items[i];

        if (entries.n == 0) {
                tell("There is no device %s, and no definition of it", uuid);
                resolve_suggest(client, uuid);
                return STATUS_NOT_FOUND;
        }

        r = entries_fetch_all(client, &entries);
        if (r == 0)
                r = entries_fetch_users(client, &entries);
        for (size_t i = 0; r == 0 && i < entries.n; i++) {
                if (entries.items[i].device)
                        r = facts_add_device(&entries.items[i], facts);
                if (r == 0 && entries.items[i].definition)
                        r = facts_add_definition(&entries.items[i], facts);
        }
        return r == 0 ? facts_add_jobs(client, uuid, facts) : r;
}

static int tell_unknown(struct client *client, const char *text) {
        _cleanup_free_ char *missing = NULL;
        int r;

        r = place_missing(client, text, NULL, &missing);
        if (r != 0)
                return r;
        return tell_status(STATUS_NOT_FOUND, "'%s' is neither a UUID nor the beginning of one. %s", text, missing);
}

/* A card need not have virtual functions yet, so the daemon does not have to know it. */
static bool find_card(const struct client *client, const char *text, struct card *ret) {
        char whole[CARD_NAME_SIZE];

        if (!client_is_local(client))
                return false;
        if (card_read(text, ret) < 0 &&
            ((size_t) snprintf(whole, sizeof(whole), "0000:%s", text) >= sizeof(whole) || card_read(whole, ret) < 0))
                return false;
        return !ret->is_function && ret->total > 0;
}

/* @text is the name of a parent or a card, a UUID or its beginning, or the name of a file in the store that is no
 * UUID. */
static int show_one(struct client *client, const char *text, struct facts *facts) {
        char uuid[UUID_TEXT_SIZE];
        struct card card;
        bool is_card;
        int r;

        is_card = find_card(client, text, &card);
        r = lists_parents(client);
        if (r == 0)
                r = lists_definitions(client);
        if (r == 0)
                r = resolve_short_parent(client, &text);
        if (r != 0)
                return r;

        for (size_t i = 0; i < client->lists.parents.n; i++)
                if (streq(client->lists.parents.items[i].name, text)) {
                        r = facts_add_parent(client, &client->lists.parents.items[i], facts);
                        return r == 0 && is_card ? facts_add_card(client, text, &card, facts) : r;
                }
        if (is_card)
                return facts_add_card(client, card.name, &card, facts);
        if (lists_has_card(&client->lists, text))
                return facts_add_card(client, text, NULL, facts);
        for (size_t i = 0; i < client->lists.definitions.n; i++)
                if (streq(client->lists.definitions.items[i].uuid, text))
                        return show_uuid(client, text, facts);
        if (uuid_prefix_normalize(text, uuid) < 0 && uuid_normalize(text, uuid) < 0)
                return tell_unknown(client, text);

        r = resolve_uuid(client, text, KNOWN_DEVICES | KNOWN_DEFINITIONS, uuid);
        return r == 0 ? show_uuid(client, uuid, facts) : r;
}

int verb_show(struct client *client, char **arguments, size_t n) {
        _cleanup_facts_ struct facts facts = {};
        int r = 0, status = STATUS_DONE;

        facts_init(&facts);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                r = show_one(client, arguments[i], &facts);
                if (r > 0)
                        status = status == STATUS_DONE || status == r ? r : STATUS_FAILED;
        }
        if (r < 0)
                return r;

        r = option_given(client->options, OPTION_JSON) ? facts_print_json(&facts) : facts_print(&facts);
        return r < 0 ? r : status;
}
