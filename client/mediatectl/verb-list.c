/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl list. */

#include <errno.h>

#include "client/mediatectl/entries.h"
#include "client/mediatectl/verbs.h"
#include "client/output/table.h"
#include "client/shared/bus-json.h"

enum {
        LIST_UUID,
        LIST_PARENT,
        LIST_TYPE,
        LIST_STATE,
        LIST_START,
        LIST_DEFINED,
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
        [LIST_GROUP] = { "GROUP", COLUMN_RIGHT },
        [LIST_NODE] = { "NODE", 0 },
        [LIST_PATH] = { "PATH", COLUMN_WRAP },
        [LIST_FILE] = { "FILE", COLUMN_WRAP },
        [LIST_ERROR] = { "ERROR", COLUMN_WRAP },
};

static int add_row(struct table *table, const struct entry *entry) {
        struct libscols_line *line = table_add(table, NULL);
        const struct {
                size_t column;
                const char *text;
        } cells[] = {
                { LIST_PARENT, entry->parent },
                { LIST_TYPE, entry->type },
                { LIST_START, entry->definition ? entry->definition->start : NULL },
                { LIST_GROUP, json_text(entry->device_properties, "IOMMUGroup") },
                { LIST_NODE, json_text(entry->device_properties, "DeviceNode") },
                { LIST_PATH, json_text(entry->device_properties, "SysfsPath") },
                { LIST_FILE, json_text(entry->definition_properties, "File") },
                { LIST_ERROR, json_error_text(entry->definition_properties) },
        };
        int r;

        if (!line)
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

int verb_list(struct client *client, char **arguments, size_t n) {
        _cleanup_entries_ struct entries entries = {};
        _cleanup_table_ struct table *table = NULL;
        bool all = false;
        int r;

        r = table_new(options_table(client->options), "devices", columns, _LIST_MAX, &table);
        if (r == 0)
                r = entries_new(client, &entries);
        if (r != 0)
                return r;

        for (size_t i = LIST_GROUP; i < _LIST_MAX; i++)
                all |= table_has(table, i);
        if (all)
                r = entries_fetch_all(client, &entries);
        else if (table_has(table, LIST_STATE))
                r = entries_fetch_states(client, &entries);

        for (size_t i = 0; r == 0 && i < entries.n; i++)
                r = add_row(table, &entries.items[i]);
        return r != 0 ? r : table_print(table, "No devices and no definitions.");
}
