/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mdevctl list: active devices, with what is defined for them; or definitions, with what is active of them. */

#include <errno.h>
#include <stdio_ext.h>

#include "client/mdevctl/attributes.h"
#include "client/mdevctl/commands.h"
#include "client/mdevctl/entries.h"
#include "client/mdevctl/json.h"
#include "client/mdevctl/tell.h"

struct list {
        const struct mdevctl_arguments *arguments;
        bool defined;
        bool json;
        struct mdevctl_entries entries;
};

static void put(const char *text) {
        (void) fputs_unlocked(text, stdout);
}

/* Whether the entry is shown as its definition describes it. */
static bool shows_definition(const struct list *list, const struct mdevctl_entry *entry) {
        return entry->definition && (list->defined || list->arguments->version->lists_definition);
}

/* A device without a definition is listed as if it had one with its type and a manual start. */
static const char *type_of(const struct list *list, const struct mdevctl_entry *entry) {
        return shows_definition(list, entry) ? definition_type(entry->definition) : entry->device_type;
}

static const char *start_of(const struct mdevctl_entry *entry) {
        return start_mode_to_string(entry->definition ? definition_start(entry->definition) : START_MANUAL);
}

static const struct attributes *attributes_of(const struct list *list, const struct mdevctl_entry *entry) {
        return shows_definition(list, entry) ? definition_attributes(entry->definition) : &entry->attributes;
}

static bool is_active(const struct list *list, const struct mdevctl_entry *entry) {
        return entry->device_type && streq(entry->device_type, type_of(list, entry));
}

static void put_text(const struct list *list, const struct mdevctl_entry *entry) {
        const struct attributes *attributes = attributes_of(list, entry);

        mdevctl_put(entry->uuid);
        put(" ");
        mdevctl_put(entry->parent);
        put(" ");
        mdevctl_put(type_of(list, entry));
        put(" ");
        put(start_of(entry));
        if (list->defined)
                put(is_active(list, entry) ? " (active)" : "");
        else
                put(entry->stored ? " (defined)" : "");
        put("\n");
        if (!mdevctl_given(list->arguments, MDEVCTL_VERBOSE) || attributes->n == 0)
                return;

        put("  Attrs:\n");
        for (size_t i = 0; i < attributes->n; i++) {
                printf("    @{%zu}: {\"", i);
                mdevctl_put(attributes->items[i].name);
                put("\":\"");
                mdevctl_put(attributes->items[i].value);
                put("\"}\n");
        }
}

static void put_indent(int indent) {
        printf("%*s", indent, "");
}

static int put_attributes(const struct attributes *attributes, int indent) {
        int r = 0;

        put("\"attrs\": [");
        for (size_t i = 0; i < attributes->n && r >= 0; i++) {
                put(i > 0 ? ",\n" : "\n");
                put_indent(indent + 2);
                put("{\n");
                put_indent(indent + 4);
                r = mdevctl_json_print_string(stdout, attributes->items[i].name);
                put(": ");
                if (r >= 0)
                        r = mdevctl_json_print_string(stdout, attributes->items[i].value);
                put("\n");
                put_indent(indent + 2);
                put("}");
        }
        if (attributes->n > 0) {
                put("\n");
                put_indent(indent);
        }
        put("]");
        return r;
}

/* @margin is the white space before the members. The object is not printed by json-c, because that took half of the
 * time for 10,000 of them. */
static int put_object(const struct list *list, const struct mdevctl_entry *entry, const char *margin) {
        int r;

        put("{\n");
        put(margin);
        put("\"mdev_type\": ");
        r = mdevctl_json_print_string(stdout, type_of(list, entry));
        if (r < 0)
                return r;
        put(",\n");
        put(margin);
        put("\"start\": \"");
        put(start_of(entry));
        put("\",\n");
        put(margin);
        r = put_attributes(attributes_of(list, entry), (int) strlen(margin));
        put("\n");
        put(margin + 2);
        put("}");
        return r;
}

static int put_json_item(const struct list *list, const struct mdevctl_entry *entry) {
        int r;

        put("      {\n        \"");
        put(entry->uuid);
        put("\": ");
        r = put_object(list, entry, "          ");
        put("\n      }");
        return r;
}

static int put_json(const struct list *list) {
        const char *parent = NULL;
        int r = 0;

        for (size_t i = 0; i < list->entries.n && r >= 0; i++) {
                const struct mdevctl_entry *entry = list->entries.items + i;

                if (parent && streq(parent, entry->parent))
                        put(",\n");
                else {
                        put(parent ? "\n    ],\n    " : "[\n  {\n    ");
                        parent = entry->parent;
                        r = mdevctl_json_print_string(stdout, parent);
                        put(": [\n");
                }
                if (r >= 0)
                        r = put_json_item(list, entry);
        }
        put(parent ? "\n    ]\n  }\n]" : "[]");
        return r;
}

static int print(const struct list *list) {
        bool single = list->json && mdevctl_given(list->arguments, MDEVCTL_UUID) && list->entries.n == 1;
        static char buffer[256 * 1024];
        int r = 0;

        (void) setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
        (void) __fsetlocking(stdout, FSETLOCKING_BYCALLER);
        if (single)
                r = put_object(list, list->entries.items, "  ");
        else if (list->json)
                r = put_json(list);
        else
                for (size_t i = 0; i < list->entries.n; i++)
                        put_text(list, list->entries.items + i);
        if (list->arguments->version->ends_with_newline)
                put("\n");
        return r;
}

static void warn_of_types(const struct list *list) {
        for (size_t i = 0; i < list->entries.n; i++) {
                const struct mdevctl_entry *entry = list->entries.items + i;

                if (entry->definition && !is_active(list, entry))
                        mdevctl_warn("device %s has type %s, its definition says %s", entry->uuid,
                                     entry->device_type, type_of(list, entry));
        }
}

/* Collects only what will be printed. */
static int collect(struct list *list) {
        const char *uuid = mdevctl_given(list->arguments, MDEVCTL_UUID) ? list->arguments->uuid : NULL;
        int r;

        r = mdevctl_entries_find(&list->entries, list->arguments->values[MDEVCTL_PARENT], uuid, list->defined,
                                 list->defined && list->json);
        if (r != EXIT_SUCCESS || list->defined)
                return r;
        warn_of_types(list);
        if (!list->json && !mdevctl_given(list->arguments, MDEVCTL_VERBOSE))
                return EXIT_SUCCESS;
        return mdevctl_attributes_get(&list->entries, !list->arguments->version->lists_definition);
}

int mdevctl_command_list(const struct mdevctl_arguments *arguments) {
        struct list list = {
                .arguments = arguments,
                .defined = mdevctl_given(arguments, MDEVCTL_DEFINED),
                .json = mdevctl_given(arguments, MDEVCTL_DUMPJSON),
        };
        int r;

        r = collect(&list);
        if (r == EXIT_SUCCESS && print(&list) < 0)
                r = mdevctl_fail("Out of memory");
        mdevctl_entries_clear(&list.entries);
        return r;
}
