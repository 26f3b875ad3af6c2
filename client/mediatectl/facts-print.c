/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The facts of `mediatectl show` for people: a heading for each object, and below it a line for each field. */

#include <errno.h>
#include <json-c/linkhash.h>

#include "client/mediatectl/facts.h"
#include "client/mediatectl/users.h"
#include "client/output/table.h"
#include "client/output/terminal.h"
#include "client/shared/bus-json.h"

/* Writes an item of an array as text; nothing: there is no line for it. */
typedef void item_func(json_object *item, char *text, size_t size);

struct field {
        const char *label, *key;
        item_func *item;        /* for the items, if the value is an array; NULL: their number is printed */
        const char *none;       /* the text for an empty array; NULL: there is no line for it */
        const char *unknown;    /* the text for null; NULL: there is no line for it */
};

static void print_attribute(json_object *item, char *text, size_t size) {
        json_object_object_foreach(item, name, value)
                snprintf(text, size, "%s=%s", name, json_value_text(value));
}

static void print_string(json_object *item, char *text, size_t size) {
        snprintf(text, size, "%s", json_value_text(item));
}

static void print_type(json_object *item, char *text, size_t size) {
        const char *available = json_text(item, "available"), *name = json_text(item, "name");

        snprintf(text, size, "%s: %s available%s%s%s%s", json_text(item, "type"),
                 *available ? available : "unknown number", *json_text(item, "api") ? ", " : "",
                 json_text(item, "api"), *name ? ", " : "", name);
}

/* What is available on a card is a sum of hints: each function that could have the type counts, but all share the
 * memory of the card. */
static void print_type_of_card(json_object *item, char *text, size_t size) {
        const char *available = json_text(item, "available"), *name = json_text(item, "name");

        snprintf(text, size, "%s: %s%s available%s%s", json_text(item, "type"), *available ? "at most " : "",
                 *available ? available : "unknown number", *name ? ", " : "", name);
}

static void print_if_set_aside(json_object *item, char *text, size_t size) {
        if (json_object_get_boolean(json_object_object_get(item, "set_aside")))
                snprintf(text, size, "%s", json_text(item, "parent"));
}

/* The devices of a function, if it has any. */
static void print_devices(json_object *item, char *text, size_t size) {
        json_object *devices = json_object_object_get(item, "devices");
        size_t used = 0;

        for (size_t i = 0; i < json_object_array_length(devices) && used < size; i++)
                used += (size_t) snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "",
                                          json_value_text(json_object_array_get_idx(devices, i)));
        if (used > 0 && used < size)
                snprintf(text + used, size - used, " on %s", json_text(item, "parent"));
}

static const struct field device_fields[] = {
        { "Parent", "parent" },
        { "Type", "type" },
        { "State", "state" },
        { "Defined", "defined" },
        { "Used by", "users", user_text, "nobody", "unknown (only root can see it)" },
        { "IOMMU group", "iommu_group" },
        { "Device node", "device_node" },
        { "VFIO device", "vfio_device_node" },
        { "Sysfs path", "sysfs_path" },
        { "Error", "error" },
};

static const struct field definition_fields[] = {
        { "Parent", "parent" },
        { "Type", "type" },
        { "State", "state" },
        { "Start", "start" },
        { "Autostart", "start_state" },
        { "Error", "error" },
        { "Attributes", "attributes", print_attribute, NULL },
        { "File", "file" },
};

static const struct field parent_fields[] = {
        { "Sysfs path", "sysfs_path" },
        { "Card", "card" },
        { "Kind", "backend" },
        { "Set aside", "set_aside" },
        { "Types", "types", print_type, "none yet" },
        { "Devices", "devices", print_string, "none" },
};

static const struct field card_fields[] = {
        { "Driver", "driver" },
        { "Functions", "function_count" },
        { "At most", "function_max" },
        { "Asked for by", "file" },
        { "Preparation", "preparation" },
        { "Attempt", "attempt" },
        { "Message", "message" },
        { "Kind", "backend" },
        { "Parents", "parents" },
        { "Set aside", "parents", print_if_set_aside, NULL },
        { "Types", "types", print_type_of_card, "none yet" },
        { "Devices", "parents", print_devices, "none" },
};

static const struct field job_fields[] = {
        { "Parent", "parent" },
        { "Type", "type" },
        { "Kind", "kind" },
        { "State", "state" },
};

static int add_row(struct libscols_table *table, const char *label, const char *text, const char *colour) {
        struct libscols_line *line = scols_table_new_line(table, NULL);

        if (!line || scols_line_set_data(line, 0, label) < 0 || scols_line_set_data(line, 1, text) < 0)
                return -ENOMEM;
        return scols_cell_set_color(scols_line_get_cell(line, 1), colour);
}

static int add_array(struct libscols_table *table, const struct field *field, const char *label, json_object *array) {
        size_t n = json_object_array_length(array);
        bool first = true;
        char text[6000];
        int r = 0;

        if (!field->item) {
                snprintf(text, sizeof(text), "%zu", n);
                return add_row(table, label, text, NULL);
        }
        for (size_t i = 0; r >= 0 && i < n; i++) {
                text[0] = '\0';
                field->item(json_object_array_get_idx(array, i), text, sizeof(text));
                if (!*text)
                        continue;
                r = add_row(table, first ? label : "", text, NULL);
                first = false;
        }
        return first && r >= 0 && field->none ? add_row(table, label, field->none, NULL) : r;
}

/* What most objects have needs no line. */
static bool is_usual(const char *key, json_object *value, json_object *object) {
        if (streq(key, "start_state"))
                return streq(json_value_text(value), "none");
        if (streq(key, "card"))
                return streq(json_value_text(value), json_text(object, "parent"));
        if (streq(key, "backend"))
                return streq(json_value_text(value), "mdev");
        return streq(key, "set_aside") && json_object_is_type(value, json_type_boolean) &&
               !json_object_get_boolean(value);
}

static int add_field(struct libscols_table *table, const struct field *field, json_object *object) {
        json_object *value;
        char label[32];

        snprintf(label, sizeof(label), "%s:", field->label);
        if (!json_object_object_get_ex(object, field->key, &value) || !value)
                return field->unknown ? add_row(table, label, field->unknown, NULL) : 0;
        if (is_usual(field->key, value, object))
                return 0;

        if (json_object_is_type(value, json_type_array))
                return add_array(table, field, label, value);
        if (json_object_is_type(value, json_type_boolean))
                return add_row(table, label, json_object_get_boolean(value) ? "yes" : "no", NULL);
        return add_row(table, label, json_value_text(value),
                       streq(field->key, "state") ? state_colour(json_value_text(value)) : NULL);
}

static int print_object(json_object *object, const char *kind, const char *name, const struct field *fields,
                        size_t n) {
        bool colours = terminal_has_colours(stdout);
        struct libscols_table *table = scols_new_table();
        int r = -ENOMEM;

        if (!table)
                return -ENOMEM;
        scols_table_enable_noheadings(table, true);
        scols_table_enable_colors(table, colours);
        if (scols_table_new_column(table, "label", 0, SCOLS_FL_RIGHT) &&
            scols_table_new_column(table, "value", 0, SCOLS_FL_WRAP))
                r = 0;
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = add_field(table, &fields[i], object);
        if (r >= 0) {
                printf("%s %s", kind, colours ? "\033[1m" : "");
                put_printable(stdout, name);
                printf("%s\n", colours ? "\033[0m" : "");
                /* libsmartcols writes to stdout as well, so that the heading comes first. */
                r = scols_print_table(table) < 0 ? -ENOMEM : 0;
        }
        scols_unref_table(table);
        return r;
}

int facts_print(const struct facts *facts) {
        const struct {
                json_object *array;
                const char *kind, *name;
                const struct field *fields;
                size_t n;
        } sections[] = {
                { facts->devices, "Device", "uuid", device_fields, ELEMENTSOF(device_fields) },
                { facts->definitions, "Definition", "uuid", definition_fields, ELEMENTSOF(definition_fields) },
                { facts->parents, "Parent", "parent", parent_fields, ELEMENTSOF(parent_fields) },
                { facts->jobs, "Job", "job", job_fields, ELEMENTSOF(job_fields) },
                { facts->cards, "Card", "card", card_fields, ELEMENTSOF(card_fields) },
        };
        bool first = true;
        int r = 0;

        if (!facts->devices || !facts->definitions || !facts->parents || !facts->jobs || !facts->cards)
                return -ENOMEM;

        for (size_t i = 0; i < ELEMENTSOF(sections); i++)
                for (size_t j = 0; r >= 0 && j < json_object_array_length(sections[i].array); j++) {
                        json_object *object = json_object_array_get_idx(sections[i].array, j);

                        if (!first)
                                printf("\n");
                        first = false;
                        r = print_object(object, sections[i].kind, json_text(object, sections[i].name),
                                         sections[i].fields, sections[i].n);
                }
        return r;
}
