/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl list. */

#include <errno.h>

#include "client/mediatectl/entries.h"
#include "client/mediatectl/place.h"
#include "client/mediatectl/resolve.h"
#include "client/mediatectl/users.h"
#include "client/mediatectl/verbs.h"
#include "client/output/table.h"
#include "client/output/tell.h"
#include "client/shared/bus-json.h"
#include "client/shared/suggest.h"

enum {
        LIST_UUID,
        LIST_PARENT,
        LIST_TYPE,
        LIST_STATE,
        LIST_START,
        LIST_DEFINED,
        LIST_USER,
        LIST_GROUP,
        LIST_NODE,
        LIST_PATH,
        LIST_FILE,
        LIST_ERROR,
        _LIST_MAX,
};

static const struct column columns[_LIST_MAX] = {
        [LIST_UUID] = { "UUID", COLUMN_STANDARD },
        [LIST_PARENT] = { "PARENT", COLUMN_STANDARD },
        [LIST_TYPE] = { "TYPE", COLUMN_STANDARD },
        [LIST_STATE] = { "STATE", COLUMN_STANDARD },
        [LIST_START] = { "START", COLUMN_STANDARD },
        [LIST_DEFINED] = { "DEFINED", COLUMN_JSON | COLUMN_BOOLEAN },
        [LIST_USER] = { "USER", COLUMN_WRAP | COLUMN_RAW, "users" },
        [LIST_GROUP] = { "GROUP", COLUMN_RIGHT | COLUMN_NUMBER, "iommu_group" },
        [LIST_NODE] = { "NODE", 0, "device_node" },
        [LIST_PATH] = { "PATH", COLUMN_WRAP, "sysfs_path" },
        [LIST_FILE] = { "FILE", COLUMN_WRAP },
        [LIST_ERROR] = { "ERROR", COLUMN_WRAP },
};

static int find_error(const struct entry *entry, char **ret) {
        int r;

        r = device_error(entry, ret);
        return r < 0 || *ret ? r : definition_error(entry, ret);
}

static int add_row(struct table *table, const struct entry *entry) {
        _cleanup_free_ char *users = entry->users ? users_cell(entry->users, table_is_json(table)) : NULL;
        _cleanup_free_ char *error = NULL;
        int r = find_error(entry, &error);
        struct libscols_line *line = table_add(table, NULL);
        const char *group = json_text(entry->device_properties, "IOMMUGroup");
        const struct {
                size_t column;
                const char *text;
        } cells[] = {
                { LIST_PARENT, entry->parent },
                { LIST_TYPE, entry->type },
                { LIST_START, entry->definition ? entry->definition->start : NULL },
                { LIST_USER, users },
                { LIST_GROUP, group[strspn(group, "0123456789")] ? NULL : group },
                { LIST_NODE, json_text(entry->device_properties, "DeviceNode") },
                { LIST_PATH, json_text(entry->device_properties, "SysfsPath") },
                { LIST_FILE, json_text(entry->definition_properties, "File") },
                { LIST_ERROR, error },
        };

        if (r < 0 || !line || (entry->users && !users))
                return -ENOMEM;

        r = table_set_uuid(table, line, LIST_UUID, entry->uuid);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(cells); i++)
                r = table_set(table, line, cells[i].column, cells[i].text);
        if (r >= 0)
                r = table_set_state(table, line, LIST_STATE, entry_state(entry));
        if (r >= 0)
                r = table_set_boolean(table, line, LIST_DEFINED, entry->definition);
        return r;
}

static const char *const states[] = {
        "starting",       "active",       "stopping",         "wedged", "inactive",
        "waiting-parent", "waiting-type", "waiting-instance", "failed", "invalid",
};

static int check_state(const char *state) {
        _cleanup_free_ char *all = NULL;

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (streq(states[i], state))
                        return 0;
        all = suggest_list(states, ELEMENTSOF(states));
        return all ? tell_status(STATUS_USAGE, "There is no state '%s'; there are %s", state, all) : -ENOMEM;
}

/* Whether anything can be on such a parent or card, or of such a type. A name that is nowhere is misspelt. */
static int check_places(struct client *client, const struct entries *entries) {
        const struct options *options = client->options;
        bool has_parent = !options->parent, has_type = !options->type;
        _cleanup_free_ char *missing = NULL;
        int r;

        for (size_t i = 0; i < entries->n; i++) {
                has_parent |= options->parent && lists_is_on(&client->lists, entries->items[i].parent, options->parent);
                has_type |= options->type && streq(entries->items[i].type, options->type);
        }
        r = has_parent ? 0 : place_missing_on_card(client, options->parent, NULL, &missing);
        if (r == 0 && !missing && !has_type)
                r = place_missing_type(client, options->type, &missing);
        return r == 0 && missing ? tell_status(STATUS_NOT_FOUND, "%s", missing) : r;
}

static const char *find_uuid(const struct entries *entries, const char *uuid) {
        for (size_t i = 0; i < entries->n; i++)
                if (streq(entries->items[i].uuid, uuid))
                        return entries->items[i].uuid;
        return NULL;
}

/* The file of an invalid definition may have a name that is no UUID. */
static int find_named(struct client *client, const struct entries *entries, const char *text, const char **ret) {
        char uuid[UUID_TEXT_SIZE];
        int r;

        *ret = find_uuid(entries, text);
        if (*ret)
                return 0;
        r = resolve_uuid(client, text, KNOWN_DEVICES | KNOWN_DEFINITIONS, uuid);
        if (r != 0)
                return r;
        *ret = find_uuid(entries, uuid);
        if (*ret)
                return 0;
        tell("There is no device %s, and no definition of it", uuid);
        resolve_suggest(client, uuid);
        return STATUS_NOT_FOUND;
}

static bool is_named(const char *const *named, size_t n, const char *uuid) {
        for (size_t i = 0; i < n; i++)
                if (streq(named[i], uuid))
                        return true;
        return n == 0;
}

/* Drops the entries that the command line does not choose. Those that are in another state are left. */
static int choose(struct client *client, char **arguments, size_t n, struct entries *entries) {
        const struct options *options = client->options;
        _cleanup_free_ const char **named = calloc(n + 1, sizeof(*named));
        size_t n_chosen = 0;
        int r;

        if (!named)
                return -ENOMEM;
        r = options->parent ? lists_parents(client) : 0;
        if (r == 0)
                r = check_places(client, entries);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = find_named(client, entries, arguments[i], &named[i]);
        if (r != 0)
                return r;

        for (size_t i = 0; i < entries->n; i++) {
                const struct entry *entry = &entries->items[i];

                if (is_named(named, n, entry->uuid) &&
                    (!options->parent || lists_is_on(&client->lists, entry->parent, options->parent)) &&
                    (!options->type || streq(options->type, entry->type)))
                        entries->items[n_chosen++] = *entry;
        }
        entries->n = n_chosen;
        return 0;
}

int verb_list(struct client *client, char **arguments, size_t n) {
        _cleanup_entries_ struct entries entries = {};
        _cleanup_table_ struct table *table = NULL;
        const char *state = client->options->state;
        bool all = false, any = n == 0 && !state && !client->options->parent && !client->options->type;
        int r;

        r = table_new(options_table(client->options), "devices", columns, _LIST_MAX, &table);
        if (r == 0 && state)
                r = check_state(state);
        if (r == 0)
                r = entries_new(client, &entries);
        if (r == 0)
                r = choose(client, arguments, n, &entries);
        if (r != 0)
                return r;

        for (size_t i = LIST_GROUP; i < _LIST_MAX; i++)
                all |= table_has(table, i);
        if (all)
                r = entries_fetch_all(client, &entries);
        else if (state || table_has(table, LIST_STATE))
                r = entries_fetch_states(client, &entries);
        if (r == 0 && table_has(table, LIST_USER))
                r = entries_fetch_users(client, &entries);

        for (size_t i = 0; r == 0 && i < entries.n; i++)
                if (!state || streq(entry_state(&entries.items[i]), state))
                        r = add_row(table, &entries.items[i]);
        return r != 0 ? r : table_print(table, any ? "No devices and no definitions." : "None of them.");
}
