/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl parents, types and tree. */

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
        _PARENTS_MAX,
};

static const struct column parents_columns[_PARENTS_MAX] = {
        [PARENTS_PARENT] = { "PARENT", COLUMN_STANDARD },
        [PARENTS_TYPES] = { "TYPES", COLUMN_STANDARD | COLUMN_RIGHT | COLUMN_NUMBER, "type_count" },
        [PARENTS_DEVICES] = { "DEVICES", COLUMN_STANDARD | COLUMN_RIGHT | COLUMN_NUMBER, "device_count" },
        [PARENTS_PATH] = { "PATH", COLUMN_STANDARD | COLUMN_WRAP, "sysfs_path" },
        [PARENTS_CARD] = { "CARD", COLUMN_JSON },
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

enum {
        TREE_NAME,
        TREE_AVAILABLE,
        TREE_STATE,
        TREE_DEFINED,
        TREE_DESCRIPTION,
        _TREE_MAX,
};

static const struct column tree_columns[_TREE_MAX] = {
        [TREE_NAME] = { "NAME", COLUMN_STANDARD | COLUMN_TREE, "id" },
        [TREE_AVAILABLE] = { "AVAILABLE", COLUMN_STANDARD | COLUMN_RIGHT | COLUMN_NUMBER },
        [TREE_STATE] = { "STATE", COLUMN_STANDARD },
        [TREE_DEFINED] = { "DEFINED", COLUMN_BOOLEAN },
        [TREE_DESCRIPTION] = { "DESCRIPTION", COLUMN_STANDARD | COLUMN_TRUNCATE, "name" },
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
        return r >= 0 ? table_set(table, line, PARENTS_CARD, parent->card) : r;
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

/* Reads [PARENT] [TYPE]. One argument alone is a parent if there is one of this name, else a type. */
static int parse_place(struct client *client, char **arguments, size_t n, const char **ret_parent,
                       const char **ret_type) {
        _cleanup_free_ char *missing = NULL;
        const char *name = n > 0 ? arguments[0] : NULL;
        int r;

        if (n == 0)
                return 0;
        r = resolve_short_parent(client, &name);
        if (r == 0)
                r = lists_parents(client);
        if (r == 0)
                r = lists_types(client, lists_has_parent(&client->lists, name) ? name : NULL);
        if (r != 0)
                return r;

        if (n == 1 && !lists_has_parent(&client->lists, name) && place_has_type(&client->lists, NULL, name)) {
                *ret_type = name;
                return 0;
        }
        r = place_missing(client, name, n > 1 ? arguments[1] : NULL, &missing);
        if (r == 0 && missing)
                return tell_status(STATUS_NOT_FOUND, "%s", missing);
        *ret_parent = name;
        *ret_type = n > 1 ? arguments[1] : NULL;
        return r;
}

int verb_types(struct client *client, char **arguments, size_t n) {
        _cleanup_table_ struct table *table = NULL;
        const struct listed_type_list *types = &client->lists.types;
        bool available = option_given(client->options, OPTION_AVAILABLE);
        const char *parent = NULL, *type = NULL;
        int r;

        r = table_new(options_table(client->options), "types", types_columns, _TYPES_MAX, &table);
        if (r == 0)
                r = parse_place(client, arguments, n, &parent, &type);
        if (r == 0)
                r = lists_types(client, NULL);
        for (size_t i = 0; r == 0 && i < types->n; i++) {
                const struct listed_type *item = &types->items[i];

                if ((!parent || streq(parent, item->parent)) && (!type || streq(type, item->type)) &&
                    (!available || (item->available > 0 && item->available != AVAILABLE_INSTANCES_UNKNOWN)))
                        r = add_type(table, item);
        }
        if (r != 0)
                return r;
        return table_print(table, n > 0 || available ? "No types." : "No types; `mediatectl check` may know why.");
}

static int tree_add_devices(struct table *table, struct libscols_line *above, const struct lists *lists,
                            const char *parent, const char *type) {
        for (size_t i = 0; i < lists->devices.n; i++) {
                const struct listed_device *device = &lists->devices.items[i];
                struct libscols_line *line;
                int r;

                if (!streq(device->parent, parent) || !streq(device->type, type))
                        continue;
                line = table_add(table, above);
                if (!line)
                        return -ENOMEM;
                r = table_set_uuid(table, line, TREE_NAME, device->uuid);
                if (r >= 0)
                        r = table_set_state(table, line, TREE_STATE, device->state);
                if (r >= 0)
                        r = table_set_boolean(table, line, TREE_DEFINED, device->defined);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int tree_add_type(struct table *table, struct libscols_line *above, const struct lists *lists,
                         const struct listed_type *type) {
        struct libscols_line *line = table_add(table, above);
        int r;

        if (!line)
                return -ENOMEM;
        r = table_set(table, line, TREE_NAME, type->type);
        if (r >= 0 && type->available != AVAILABLE_INSTANCES_UNKNOWN)
                r = table_set_number(table, line, TREE_AVAILABLE, type->available);
        if (r >= 0)
                r = table_set(table, line, TREE_DESCRIPTION, *type->name ? type->name : type->description);
        return r >= 0 ? tree_add_devices(table, line, lists, type->parent, type->type) : r;
}

static int tree_add_parent(struct table *table, const struct lists *lists, const char *parent) {
        struct libscols_line *line = table_add(table, NULL);
        int r;

        if (!line)
                return -ENOMEM;
        r = table_set(table, line, TREE_NAME, parent);
        for (size_t i = 0; r >= 0 && i < lists->types.n; i++)
                if (streq(lists->types.items[i].parent, parent))
                        r = tree_add_type(table, line, lists, &lists->types.items[i]);
        /* A device that is being created has no type yet. */
        return r >= 0 ? tree_add_devices(table, line, lists, parent, "") : r;
}

int verb_tree(struct client *client, char **arguments, size_t n) {
        _cleanup_table_ struct table *table = NULL;
        const struct lists *lists = &client->lists;
        int r;

        r = table_new(options_table(client->options), "parents", tree_columns, _TREE_MAX, &table);
        if (r == 0)
                r = lists_parents(client);
        if (r == 0)
                r = lists_types(client, NULL);
        if (r == 0)
                r = lists_devices(client);

        for (size_t i = 0; r == 0 && i < n; i++) {
                const char *parent;

                r = resolve_parent(client, arguments[i], &parent);
                if (r == 0)
                        r = tree_add_parent(table, lists, parent);
        }
        for (size_t i = 0; r == 0 && n == 0 && i < lists->parents.n; i++)
                r = tree_add_parent(table, lists, lists->parents.items[i].name);
        return r != 0 ? r : table_print(table, "No parents; `mediatectl check` may know why.");
}
