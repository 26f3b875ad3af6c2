/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl tree. */

#include <errno.h>

#include "client/mediatectl/place.h"
#include "client/mediatectl/resolve.h"
#include "client/mediatectl/users.h"
#include "client/mediatectl/verbs.h"
#include "client/output/table.h"

enum {
        TREE_NAME,
        TREE_AVAILABLE,
        TREE_TOTAL,
        TREE_STATE,
        TREE_DEFINED,
        TREE_PARENT,
        TREE_USER,
        TREE_DESCRIPTION,
        _TREE_MAX,
};

static const struct column tree_columns[_TREE_MAX] = {
        [TREE_NAME] = { "NAME", COLUMN_STANDARD | COLUMN_TREE, "id" },
        [TREE_AVAILABLE] = { "AVAILABLE", COLUMN_STANDARD | COLUMN_RIGHT | COLUMN_NUMBER },
        [TREE_TOTAL] = { "TOTAL", COLUMN_JSON | COLUMN_RIGHT | COLUMN_NUMBER },
        [TREE_STATE] = { "STATE", COLUMN_STANDARD },
        [TREE_DEFINED] = { "DEFINED", COLUMN_BOOLEAN },
        [TREE_PARENT] = { "PARENT", COLUMN_STANDARD | COLUMN_IF_USED },
        [TREE_USER] = { "USER", COLUMN_STANDARD | COLUMN_IF_USED | COLUMN_RAW, "users" },
        [TREE_DESCRIPTION] = { "DESCRIPTION", COLUMN_STANDARD | COLUMN_TRUNCATE, "name" },
};

struct tree {
        struct client *client;
        struct table *table;
        struct listed_type *of_cards;           /* the types of the cards */
        size_t n_of_cards;
        json_object **users;                    /* those of the devices, in their order */
        const char *name;                       /* the parent or the card that is being added */
};

/* On a parent that is no card, each device has this parent. */
static int add_device(const struct tree *tree, struct libscols_line *above, size_t index) {
        const struct listed_device *device = &tree->client->lists.devices.items[index];
        json_object *users = tree->users[index];
        struct table *table = tree->table;
        _cleanup_free_ char *cell = users ? users_cell(users, table_is_json(table)) : NULL;
        struct libscols_line *line = table_add(table, above);
        int r;

        if (!line || (users && !cell))
                return -ENOMEM;
        r = table_set_uuid(table, line, TREE_NAME, device->uuid);
        if (r >= 0)
                r = table_set_state(table, line, TREE_STATE, device->state);
        if (r >= 0)
                r = table_set_boolean(table, line, TREE_DEFINED, device->defined);
        if (r >= 0 && (table_is_json(tree->table) || !streq(device->parent, tree->name)))
                r = table_set(table, line, TREE_PARENT, device->parent);
        return r >= 0 ? table_set(table, line, TREE_USER, cell) : r;
}

static bool is_here(const struct tree *tree, const struct listed_device *device, const char *type) {
        return streq(device->type, type) && lists_is_on(&tree->client->lists, device->parent, tree->name);
}

static int add_devices(const struct tree *tree, struct libscols_line *above, const char *type) {
        const struct listed_device_list *devices = &tree->client->lists.devices;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < devices->n; i++)
                if (is_here(tree, &devices->items[i], type))
                        r = add_device(tree, above, i);
        return r;
}

/* The total is what is available and what is used. People see it on cards, where it is the number of functions that are
 * not used for another type. */
static int set_available(const struct tree *tree, struct libscols_line *line, const struct listed_type *type) {
        const struct listed_device_list *devices = &tree->client->lists.devices;
        uint64_t total = type->available;
        char text[48];
        int r;

        if (type->available == AVAILABLE_INSTANCES_UNKNOWN)
                return 0;
        for (size_t i = 0; i < devices->n; i++)
                total += is_here(tree, &devices->items[i], type->type);
        r = table_set_number(tree->table, line, TREE_TOTAL, total);
        if (r < 0)
                return r;
        if (table_is_json(tree->table) || !lists_has_card(&tree->client->lists, tree->name))
                return table_set_number(tree->table, line, TREE_AVAILABLE, type->available);
        snprintf(text, sizeof(text), "%u/%llu", type->available, (unsigned long long) total);
        return table_set(tree->table, line, TREE_AVAILABLE, text);
}

static int add_type(const struct tree *tree, struct libscols_line *above, const struct listed_type *type) {
        struct libscols_line *line = table_add(tree->table, above);
        int r;

        if (!line)
                return -ENOMEM;
        r = table_set(tree->table, line, TREE_NAME, type->type);
        if (r >= 0)
                r = set_available(tree, line, type);
        if (r >= 0)
                r = table_set(tree->table, line, TREE_DESCRIPTION, *type->name ? type->name : type->description);
        return r >= 0 ? add_devices(tree, line, type->type) : r;
}

/* What is set aside is no state of a device, so programs get it from `parents`. */
static int set_aside(const struct tree *tree, struct libscols_line *line) {
        const struct lists *lists = &tree->client->lists;
        const struct listed_parent *parent = lists_find_parent(lists, tree->name);
        _cleanup_free_ char *names = NULL, *text = NULL;

        if (table_is_json(tree->table))
                return 0;
        if (parent)
                return parent->set_aside ? table_set_state(tree->table, line, TREE_STATE, "set-aside") : 0;
        names = place_set_aside(lists, tree->name);
        if (!names || asprintf(&text, "set aside: %s", names) < 0)
                return -ENOMEM;
        return *names ? table_set(tree->table, line, TREE_DESCRIPTION, text) : 0;
}

static int add_place(struct tree *tree, const char *name) {
        const struct lists *lists = &tree->client->lists;
        bool is_card = lists_has_card(lists, name);
        const struct listed_type *types = is_card ? tree->of_cards : lists->types.items;
        size_t n_types = is_card ? tree->n_of_cards : lists->types.n;
        struct libscols_line *line = table_add(tree->table, NULL);
        int r;

        if (!line)
                return -ENOMEM;
        tree->name = name;
        r = table_set(tree->table, line, TREE_NAME, name);
        if (r >= 0)
                r = set_aside(tree, line);
        for (size_t i = 0; r >= 0 && i < n_types; i++)
                if (streq(types[i].parent, name))
                        r = add_type(tree, line, &types[i]);
        /* A device that is being created has no type yet. */
        return r >= 0 ? add_devices(tree, line, "") : r;
}

/* A card is added with its first function. */
static bool is_first(const struct lists *lists, size_t index, const char *card) {
        for (size_t i = 0; i < index; i++)
                if (streq(lists_card(lists, lists->parents.items[i].name), card))
                        return false;
        return true;
}

static int add_all(struct tree *tree) {
        bool by_parent = option_given(tree->client->options, OPTION_BY_PARENT);
        const struct lists *lists = &tree->client->lists;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < lists->parents.n; i++) {
                const char *parent = lists->parents.items[i].name, *card = lists_card(lists, parent);

                if (by_parent || is_first(lists, i, card))
                        r = add_place(tree, by_parent ? parent : card);
        }
        return r;
}

static int add_named(struct tree *tree, char **arguments, size_t n) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < n; i++) {
                const char *name;

                r = resolve_parent(tree->client, arguments[i], &name);
                if (r == 0)
                        r = add_place(tree, name);
        }
        return r;
}

static int fetch_users(struct tree *tree) {
        const struct listed_device_list *devices = &tree->client->lists.devices;
        _cleanup_free_ const char **paths = calloc(devices->n + 1, sizeof(*paths));

        tree->users = calloc(devices->n + 1, sizeof(*tree->users));
        if (!paths || !tree->users)
                return -ENOMEM;
        for (size_t i = 0; i < devices->n; i++)
                paths[i] = devices->items[i].path;
        return table_has(tree->table, TREE_USER) ? users_fetch(tree->client, paths, devices->n, tree->users) : 0;
}

static void tree_clear(struct tree *tree) {
        for (size_t i = 0; tree->users && i < tree->client->lists.devices.n; i++)
                json_object_put(tree->users[i]);
        free(tree->users);
        free(tree->of_cards);
        table_free(tree->table);
}

int verb_tree(struct client *client, char **arguments, size_t n) {
        _cleanup_(tree_clear) struct tree tree = { .client = client };
        int r;

        r = table_new(options_table(client->options), "parents", tree_columns, _TREE_MAX, &tree.table);
        if (r == 0)
                r = lists_parents(client);
        if (r == 0)
                r = lists_types(client, NULL);
        if (r == 0)
                r = lists_devices(client);
        if (r == 0)
                r = lists_types_of_cards(&client->lists, &tree.of_cards, &tree.n_of_cards);
        if (r == 0)
                r = fetch_users(&tree);
        if (r == 0)
                r = n > 0 ? add_named(&tree, arguments, n) : add_all(&tree);
        return r != 0 ? r : table_print(tree.table, "No parents; `mediatectl check` may know why.");
}
