/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mdevctl types: the types of each parent. */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "client/mdevctl/bus.h"
#include "client/mdevctl/commands.h"
#include "client/mdevctl/json.h"
#include "client/mdevctl/parent.h"
#include "client/mdevctl/tell.h"
#include "client/shared/array.h"

/* A type, or before the types of a parent the parent itself. The texts are parts of the replies. */
struct type {
        const char *parent;
        const char *name;               /* NULL: this is the parent */
        const char *title;
        const char *device_api;
        const char *description;
        uint32_t instances;
};

struct types {
        struct type *items;
        size_t n;
        sd_bus_message *parents_reply;
        sd_bus_message *types_reply;
};

static int add(struct types *types, const struct type *type) {
        struct type *added = array_add(&types->items, &types->n, sizeof(*added));

        if (!added)
                return -ENOMEM;
        *added = *type;
        return 0;
}

static int read_parents(struct types *types, const char *wanted) {
        struct type type = {};
        int r;

        r = sd_bus_message_enter_container(types->parents_reply, 'a', "(sso)");
        while (r >= 0 && (r = sd_bus_message_read(types->parents_reply, "(sso)", &type.parent, NULL, NULL)) > 0)
                if ((!wanted || streq(type.parent, wanted)) && !mdevctl_is_other_parent(type.parent))
                        r = add(types, &type);
        return r;
}

static int read_types(struct types *types) {
        struct type type = {};
        int r;

        r = sd_bus_message_enter_container(types->types_reply, 'a', "(ssssus)");
        while (r >= 0 &&
               (r = sd_bus_message_read(types->types_reply, "(ssssus)", &type.parent, &type.name, &type.title,
                                        &type.device_api, &type.instances, &type.description)) > 0)
                r = add(types, &type);
        return r;
}

static int ask(sd_bus *bus, const char *member, const char *parent, struct failure *failure,
               sd_bus_message **ret) {
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = manager_call_new(bus, &call, member, parent ? "s" : "", parent);
        if (r < 0)
                return failure_set(failure, FAILURE_IO_ERROR, "%s", strerror(-r));
        return mdevctl_bus_call(bus, call, failure, ret);
}

static int compare(const void *a, const void *b) {
        const struct type *x = a, *y = b;
        int c = strcmp(x->parent, y->parent);

        if (c != 0 || !x->name || !y->name)
                return c != 0 ? c : !!x->name - !!y->name;
        return strcmp(x->name, y->name);
}

/* Sorts the items. Types of a parent that appeared between the two calls are dropped. */
static void arrange(struct types *types) {
        const char *parent = NULL;
        size_t n = 0;

        if (types->n > 0)
                qsort(types->items, types->n, sizeof(*types->items), compare);
        for (size_t i = 0; i < types->n; i++) {
                if (!types->items[i].name)
                        parent = types->items[i].parent;
                if (parent && streq(types->items[i].parent, parent))
                        types->items[n++] = types->items[i];
        }
        types->n = n;
}

static int collect(struct types *types, const char *parent) {
        _cleanup_failure_ struct failure failure = {};
        _cleanup_bus_ sd_bus *bus = NULL;
        int r;

        r = mdevctl_bus_open(&bus);
        if (r != EXIT_SUCCESS)
                return r;
        if (ask(bus, "ListParents", NULL, &failure, &types->parents_reply) < 0)
                return mdevctl_fail("%s", failure_text(&failure));
        r = read_parents(types, parent);
        if (r < 0)
                return mdevctl_fail("%s", strerror(-r));
        if (types->n == 0)
                return EXIT_SUCCESS;

        if (ask(bus, "ListTypes", parent ? parent : "", &failure, &types->types_reply) < 0)
                return mdevctl_fail("%s", failure_text(&failure));
        r = read_types(types);
        return r < 0 ? mdevctl_fail("%s", strerror(-r)) : EXIT_SUCCESS;
}

/* Makes one line of a description. */
static char *join_lines(const char *text) {
        _cleanup_free_ char *joined = NULL;
        size_t size = 0, length;
        FILE *stream;

        while (isspace((unsigned char) *text))
                text++;
        length = strlen(text);
        while (length > 0 && isspace((unsigned char) text[length - 1]))
                length--;

        stream = open_memstream(&joined, &size);
        if (!stream)
                return NULL;
        for (size_t i = 0; i < length; i++)
                if (text[i] == '\n')
                        fputs(", ", stream);
                else
                        fputc(text[i], stream);
        return fclose(stream) == EOF ? NULL : TAKE_PTR(joined);
}

static void print_value(const char *label, const char *value) {
        fputs(label, stdout);
        mdevctl_put(value);
        putchar('\n');
}

static int print_text(const struct types *types) {
        for (size_t i = 0; i < types->n; i++) {
                const struct type *type = types->items + i;
                _cleanup_free_ char *description = NULL;

                if (!type->name) {
                        print_value("", type->parent);
                        continue;
                }
                description = join_lines(type->description);
                if (!description)
                        return -ENOMEM;

                print_value("  ", type->name);
                if (type->instances != AVAILABLE_INSTANCES_UNKNOWN)
                        printf("    Available instances: %" PRIu32 "\n", type->instances);
                print_value("    Device API: ", type->device_api);
                if (*type->title)
                        print_value("    Name: ", type->title);
                if (*description)
                        print_value("    Description: ", description);
        }
        return 0;
}

static json_object *type_to_json(const struct type *type) {
        json_object *object = json_object_new_object(), *outer = json_object_new_object();
        _cleanup_free_ char *description = join_lines(type->description);

        if (type->instances != AVAILABLE_INSTANCES_UNKNOWN)
                json_put(&object, "available_instances", json_object_new_int64(type->instances));
        json_put(&object, "device_api", json_object_new_string(type->device_api));
        if (*type->title)
                json_put(&object, "name", json_object_new_string(type->title));
        if (!description || *description)
                json_put(&object, "description", description ? json_object_new_string(description) : NULL);
        json_put(&outer, type->name, object);
        return outer;
}

/* The items are in the order of their parents; a parent's own item comes before those of its types. */
static json_object *types_to_json(const struct types *types) {
        json_object *parents = json_object_new_object(), *top = json_object_new_array();

        for (size_t i = 0; i < types->n;) {
                const char *parent = types->items[i].parent;
                json_object *list = json_object_new_array();

                for (i++; i < types->n && types->items[i].name; i++)
                        json_push(&list, type_to_json(types->items + i));
                json_put(&parents, parent, list);
        }

        if (types->n > 0)
                json_push(&top, parents);
        else
                json_object_put(parents);
        return top;
}

static int print_json(const struct types *types) {
        _cleanup_json_ json_object *top = types_to_json(types);

        return top ? mdevctl_json_print(stdout, top, 0) : -ENOMEM;
}

int mdevctl_command_types(const struct mdevctl_arguments *arguments) {
        struct types types = {};
        int r, q;

        r = collect(&types, arguments->values[MDEVCTL_PARENT]);
        if (r == EXIT_SUCCESS) {
                arrange(&types);
                q = mdevctl_given(arguments, MDEVCTL_DUMPJSON) ? print_json(&types) : print_text(&types);
                if (arguments->version->ends_with_newline)
                        putchar('\n');
                if (q < 0)
                        r = mdevctl_fail("Out of memory");
        }

        free(types.items);
        sd_bus_message_unref(types.parents_reply);
        sd_bus_message_unref(types.types_reply);
        return r;
}
