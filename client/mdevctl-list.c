/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mdevctl list: active devices, with what is defined for them; or definitions, with what is active of them. */

#include <errno.h>

#include "client/mdevctl-attributes.h"
#include "client/mdevctl-commands.h"
#include "client/mdevctl-devices.h"
#include "client/mdevctl-json.h"
#include "client/mdevctl-render.h"
#include "client/mdevctl-store.h"
#include "client/mdevctl-tell.h"

struct list {
        const struct mdevctl_arguments *arguments;
        bool defined;
        bool json;
        bool single;                            /* print one device's object alone */
        struct mdevctl_devices devices;
        struct mdevctl_store store;
        struct attributes *attributes;          /* of each device that is not defined; NULL: not needed */
};

static size_t count(const struct list *list) {
        return list->defined ? list->store.n : list->devices.n;
}

static const char *parent_of(const struct list *list, size_t i) {
        return list->defined ? list->store.items[i].parent->name : list->devices.items[i].parent;
}

static const char *uuid_of(const struct list *list, size_t i) {
        return list->defined ? list->store.items[i].uuid : list->devices.items[i].uuid;
}

/* What is to be told of an active device: its definition's type, start and attributes where it has one. @stored
 * and
 * @device are its two sides, NULL where there is none. Returns 1, or 0 if there is nothing to tell. */
static int resolve(const struct list *list, const struct mdevctl_stored *stored,
                   const struct mdevctl_device *device, const struct attributes *attributes,
                   struct definition **ret) {
        _cleanup_free_ char *error = NULL;
        int r = -ENOENT;

        if (stored) {
                r = mdevctl_stored_read(stored, ret, &error);
                if (r == -ENOMEM)
                        return r;
                if (r < 0 && r != -ENOENT)
                        mdevctl_warn("%s", error);
        }
        if (r < 0) {
                if (list->defined)
                        return 0;
                r = definition_new(device->type, START_MANUAL, attributes, ret);
                return r < 0 ? r : 1;
        }

        if (!list->defined && !streq(definition_type(*ret), device->type))
                mdevctl_warn("device %s has type %s, its definition says %s", device->uuid, device->type,
                             definition_type(*ret));
        return 1;
}

static void print_text(const struct list *list, size_t i, const struct definition *definition, bool other_side,
                       FILE *stream) {
        const struct attributes *attributes = definition_attributes(definition);

        fprintf(stream, "%s %s %s %s%s\n", uuid_of(list, i), parent_of(list, i), definition_type(definition),
                start_mode_to_string(definition_start(definition)),
                !other_side ? "" : list->defined ? " (active)" : " (defined)");
        if (!mdevctl_given(list->arguments, MDEVCTL_VERBOSE) || attributes->n == 0)
                return;

        fputs("  Attrs:\n", stream);
        for (size_t j = 0; j < attributes->n; j++)
                fprintf(stream, "    @{%zu}: {\"%s\":\"%s\"}\n", j, attributes->items[j].name,
                        attributes->items[j].value);
}

static int print_attributes(const struct attributes *attributes, int indent, FILE *stream) {
        int r = 0;

        fputs("\"attrs\": [", stream);
        for (size_t i = 0; i < attributes->n && r >= 0; i++) {
                fprintf(stream, "%s\n%*s{\n%*s", i > 0 ? "," : "", indent + 2, "", indent + 4, "");
                r = mdevctl_json_print_string(stream, attributes->items[i].name);
                fputs(": ", stream);
                if (r >= 0)
                        r = mdevctl_json_print_string(stream, attributes->items[i].value);
                fprintf(stream, "\n%*s}", indent + 2, "");
        }
        if (attributes->n > 0)
                fprintf(stream, "\n%*s", indent, "");
        fputc(']', stream);
        return r;
}

/* @indent: of what is in the object. */
static int print_object(const struct definition *definition, int indent, FILE *stream) {
        int r;

        fprintf(stream, "{\n%*s\"mdev_type\": ", indent, "");
        r = mdevctl_json_print_string(stream, definition_type(definition));
        if (r < 0)
                return r;
        fprintf(stream, ",\n%*s\"start\": \"%s\",\n%*s", indent, "",
                start_mode_to_string(definition_start(definition)), indent, "");
        r = print_attributes(definition_attributes(definition), indent, stream);
        fprintf(stream, "\n%*s}", indent - 2, "");
        return r;
}

/* Printed here and not by json-c, because of 10,000 of them it took half of the time. */
static int print_json(const struct list *list, size_t i, const struct definition *definition, FILE *stream) {
        int r;

        if (list->single)
                return print_object(definition, 2, stream);

        fprintf(stream, "      {\n        \"%s\": ", uuid_of(list, i));
        r = print_object(definition, 10, stream);
        fputs("\n      }", stream);
        return r;
}

static int print_item(size_t i, FILE *stream, void *userdata) {
        const struct list *list = userdata;
        const struct mdevctl_device *device;
        const struct mdevctl_stored *stored;
        _cleanup_definition_ struct definition *definition = NULL;
        int r;

        if (list->defined) {
                stored = list->store.items + i;
                device = mdevctl_devices_get(&list->devices, stored->parent->name, stored->uuid);
        } else {
                device = list->devices.items + i;
                stored = mdevctl_store_find(&list->store, device->parent, device->uuid);
        }

        r = resolve(list, stored, device, list->attributes ? list->attributes + i : NULL, &definition);
        if (r <= 0)
                return r;
        if (list->json)
                return print_json(list, i, definition, stream);

        /* An active definition is one of the same type. */
        print_text(list, i, definition,
                   list->defined ? device && streq(device->type, definition_type(definition)) : !!stored, stream);
        return 0;
}

static void put(const struct mdevctl_text *text) {
        fwrite(text->text, 1, text->size, stdout);
}

static int put_json(const struct list *list, const struct mdevctl_rendered *rendered) {
        const char *parent = NULL;
        int r;

        for (size_t i = 0; i < rendered->n; i++) {
                if (rendered->items[i].size == 0)
                        continue;
                if (parent && streq(parent, parent_of(list, i)))
                        fputs(",\n", stdout);
                else {
                        fputs(parent ? "\n    ],\n    " : "[\n  {\n    ", stdout);
                        parent = parent_of(list, i);
                        r = mdevctl_json_print_string(stdout, parent);
                        if (r < 0)
                                return r;
                        fputs(": [\n", stdout);
                }
                put(rendered->items + i);
        }
        fputs(parent ? "\n    ]\n  }\n]\n" : "[]\n", stdout);
        return 0;
}

static int print(struct list *list) {
        static char buffer[256 * 1024];
        _cleanup_rendered_ struct mdevctl_rendered rendered = {};
        int r;

        r = mdevctl_render(count(list), print_item, list, &rendered);
        if (r < 0)
                return r;
        (void) setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
        if (list->json && !(list->single && rendered.items[0].size > 0))
                return put_json(list, &rendered);

        for (size_t i = 0; i < rendered.n; i++)
                put(rendered.items + i);
        fputc('\n', stdout);
        return 0;
}

static int collect_attributes(struct list *list) {
        if (list->devices.n == 0 || (!list->json && !mdevctl_given(list->arguments, MDEVCTL_VERBOSE)))
                return EXIT_SUCCESS;

        list->attributes = calloc(list->devices.n, sizeof(*list->attributes));
        if (!list->attributes)
                return mdevctl_fail("Out of memory");
        return mdevctl_attributes_get(&list->devices, &list->store, list->attributes);
}

/* Looks only at what the output tells. */
static int collect(struct list *list) {
        const char *uuid = mdevctl_uuid_or_null(list->arguments);
        const char *parent = list->arguments->values[MDEVCTL_PARENT];
        int r;

        r = mdevctl_store_scan(&list->store, parent, uuid);
        if (r < 0)
                return mdevctl_fail_errno(r, "Unable to read the definitions");
        if (list->defined && (list->json || list->store.n == 0))
                return EXIT_SUCCESS;
        r = mdevctl_devices_find(&list->devices, parent, uuid);
        return r == EXIT_SUCCESS && !list->defined ? collect_attributes(list) : r;
}

int mdevctl_command_list(const struct mdevctl_arguments *arguments) {
        struct list list = {
                .arguments = arguments,
                .defined = mdevctl_given(arguments, MDEVCTL_DEFINED),
                .json = mdevctl_given(arguments, MDEVCTL_DUMPJSON),
        };
        int r;

        r = collect(&list);
        list.single = list.json && mdevctl_given(arguments, MDEVCTL_UUID) && count(&list) == 1;
        if (r == EXIT_SUCCESS && print(&list) < 0)
                r = mdevctl_fail("Out of memory");

        for (size_t i = 0; list.attributes && i < list.devices.n; i++)
                attributes_clear(list.attributes + i);
        free(list.attributes);
        mdevctl_devices_clear(&list.devices);
        mdevctl_store_clear(&list.store);
        return r;
}
