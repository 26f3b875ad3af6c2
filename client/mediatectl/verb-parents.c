/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl parents and types. */

#include <errno.h>

#include "client/mediatectl/place.h"
#include "client/mediatectl/resolve.h"
#include "client/mediatectl/verbs.h"
#include "client/output/table.h"
#include "client/output/tell.h"

enum {
        PARENTS_PARENT,
        PARENTS_TYPES,
        PARENTS_DEVICES,
        PARENTS_PATH,
        PARENTS_CARD,
        PARENTS_BACKEND,
        PARENTS_SET_ASIDE,
        _PARENTS_MAX,
};

static const struct column parents_columns[_PARENTS_MAX] = {
        [PARENTS_PARENT] = { "PARENT", COLUMN_STANDARD },
        [PARENTS_TYPES] = { "TYPES", COLUMN_STANDARD | COLUMN_RIGHT | COLUMN_NUMBER, "type_count" },
        [PARENTS_DEVICES] = { "DEVICES", COLUMN_STANDARD | COLUMN_RIGHT | COLUMN_NUMBER, "device_count" },
        [PARENTS_PATH] = { "PATH", COLUMN_STANDARD | COLUMN_WRAP, "sysfs_path" },
        [PARENTS_CARD] = { "CARD", COLUMN_JSON },
        [PARENTS_BACKEND] = { "BACKEND", COLUMN_JSON },
        [PARENTS_SET_ASIDE] = { "ASIDE", COLUMN_JSON | COLUMN_BOOLEAN, "set_aside" },
};

enum {
        TYPES_PARENT,
        TYPES_TYPE,
        TYPES_AVAILABLE,
        TYPES_API,
        TYPES_NAME,
        TYPES_DESCRIPTION,
        _TYPES_MAX,
};

static const struct column types_columns[_TYPES_MAX] = {
        [TYPES_PARENT] = { "PARENT", COLUMN_STANDARD },
        [TYPES_TYPE] = { "TYPE", COLUMN_STANDARD },
        [TYPES_AVAILABLE] = { "AVAILABLE", COLUMN_STANDARD | COLUMN_RIGHT | COLUMN_NUMBER },
        [TYPES_API] = { "API", COLUMN_STANDARD },
        [TYPES_NAME] = { "NAME", COLUMN_STANDARD | COLUMN_WRAP },
        [TYPES_DESCRIPTION] = { "DESCRIPTION", COLUMN_JSON | COLUMN_WRAP },
};

/* How many items of a list belong to a parent. */
#define COUNT_OF_PARENT(list, name)                                        \
        __extension__({                                                    \
                size_t _count = 0;                                         \
                for (size_t _i = 0; _i < (list)->n; _i++)                  \
                        _count += streq((list)->items[_i].parent, (name)); \
                _count;                                                    \
        })

static int add_parent(struct table *table, const struct lists *lists, const struct listed_parent *parent) {
        struct libscols_line *line = table_add(table, NULL);
        int r;

        if (!line)
                return -ENOMEM;
        r = table_set(table, line, PARENTS_PARENT, parent->name);
        if (r >= 0)
                r = table_set_number(table, line, PARENTS_TYPES, COUNT_OF_PARENT(&lists->types, parent->name));
        if (r >= 0)
                r = table_set_number(table, line, PARENTS_DEVICES, COUNT_OF_PARENT(&lists->devices, parent->name));
        if (r >= 0)
                r = table_set(table, line, PARENTS_PATH, parent->syspath);
        if (r >= 0)
                r = table_set(table, line, PARENTS_CARD, parent->card);
        if (r >= 0)
                r = table_set(table, line, PARENTS_BACKEND, parent->backend);
        return r >= 0 ? table_set_boolean(table, line, PARENTS_SET_ASIDE, parent->set_aside) : r;
}

int verb_parents(struct client *client, char **arguments, size_t n) {
        _cleanup_table_ struct table *table = NULL;
        struct lists *lists = &client->lists;
        int r;

        r = table_new(options_table(client->options), "parents", parents_columns, _PARENTS_MAX, &table);
        if (r == 0)
                r = lists_parents(client);
        if (r == 0 && table_has(table, PARENTS_TYPES))
                r = lists_types(client, NULL);
        if (r == 0 && table_has(table, PARENTS_DEVICES))
                r = lists_devices(client);
        for (size_t i = 0; r == 0 && i < lists->parents.n; i++)
                r = add_parent(table, lists, &lists->parents.items[i]);
        return r != 0 ? r : table_print(table, "No parents; `mediatectl check` may know why.");
}

static int add_type(struct table *table, const struct listed_type *type) {
        struct libscols_line *line = table_add(table, NULL);
        int r;

        if (!line)
                return -ENOMEM;
        r = table_set(table, line, TYPES_PARENT, type->parent);
        if (r >= 0)
                r = table_set(table, line, TYPES_TYPE, type->type);
        if (r >= 0 && type->available != AVAILABLE_INSTANCES_UNKNOWN)
                r = table_set_number(table, line, TYPES_AVAILABLE, type->available);
        if (r >= 0)
                r = table_set(table, line, TYPES_API, type->device_api);
        if (r >= 0)
                r = table_set(table, line, TYPES_NAME, type->name);
        return r >= 0 ? table_set(table, line, TYPES_DESCRIPTION, type->description) : r;
}

/* Reads [PARENT|CARD] [TYPE]. One argument alone is a parent or a card if there is one of this name, else a type. */
static int parse_place(struct client *client, char **arguments, size_t n, const char **ret_parent,
                       const char **ret_type) {
        const struct lists *lists = &client->lists;
        _cleanup_free_ char *missing = NULL;
        const char *name = n > 0 ? arguments[0] : NULL;
        int r;

        r = lists_parents(client);
        if (r == 0)
                r = lists_types(client, name && lists_has_parent(lists, name) ? name : NULL);
        if (r == 0 && name)
                r = resolve_short_parent(client, &name);
        if (r != 0 || !name)
                return r;

        if (n == 1 && !lists_has_parent(lists, name) && !lists_has_card(lists, name) &&
            place_has_type(lists, NULL, name)) {
                *ret_type = name;
                return 0;
        }
        r = place_missing_on_card(client, name, n > 1 ? arguments[1] : NULL, &missing);
        if (r == 0 && missing)
                return tell_status(STATUS_NOT_FOUND, "%s", missing);
        *ret_parent = name;
        *ret_type = n > 1 ? arguments[1] : NULL;
        return r;
}

int verb_types(struct client *client, char **arguments, size_t n) {
        _cleanup_table_ struct table *table = NULL;
        _cleanup_free_ struct listed_type *of_cards = NULL;
        const struct lists *lists = &client->lists;
        const struct listed_type *types;
        bool available = option_given(client->options, OPTION_AVAILABLE);
        const char *parent = NULL, *type = NULL;
        struct column columns[_TYPES_MAX];
        size_t n_types = 0;
        int r;

        /* People choose a type by its description. The list of all types leaves it out, because that list is long. */
        memcpy(columns, types_columns, sizeof(columns));
        if (n > 0)
                columns[TYPES_DESCRIPTION].flags |= COLUMN_STANDARD;
        r = table_new(options_table(client->options), "types", columns, _TYPES_MAX, &table);
        if (r == 0)
                r = parse_place(client, arguments, n, &parent, &type);
        if (r != 0)
                return r;
        types = lists->types.items;
        n_types = lists->types.n;
        if (!option_given(client->options, OPTION_BY_PARENT) && !(parent && lists_has_parent(lists, parent))) {
                r = lists_types_of_cards(lists, &of_cards, &n_types);
                types = of_cards;
        }
        for (size_t i = 0; r == 0 && i < n_types; i++) {
                const struct listed_type *item = &types[i];

                if ((!parent || lists_is_on(lists, item->parent, parent)) && (!type || streq(type, item->type)) &&
                    (!available || (item->available > 0 && item->available != AVAILABLE_INSTANCES_UNKNOWN)))
                        r = add_type(table, item);
        }
        if (r != 0)
                return r;
        return table_print(table, n > 0 || available ? "No types." : "No types; `mediatectl check` may know why.");
}
