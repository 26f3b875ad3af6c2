/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The types of one parent. They are few, so they are searched one by one. */

#include "daemon/registry/mdev-type.h"

#include <errno.h>

#include "common/macro.h"

static void type_clear(struct mdev_type *type) {
        free(type->id);
        free(type->name);
        free(type->device_api);
        free(type->description);
}

void mdev_types_clear(struct mdev_types *types) {
        for (size_t i = 0; i < types->n; i++)
                type_clear(types->items + i);
        free(types->items);
        *types = (struct mdev_types) {};
}

/* Returns NULL without memory. */
static char *copy_text(json_object *values, const char *key) {
        json_object *value;

        return strdup(json_object_object_get_ex(values, key, &value) ? json_object_get_string(value) : "");
}

static int parse(const char *id, json_object *values, struct mdev_type *ret) {
        json_object *available;

        *ret = (struct mdev_type) {
                .id = strdup(id),
                .name = copy_text(values, "name"),
                .device_api = copy_text(values, "device_api"),
                .description = copy_text(values, "description"),
                .available = AVAILABLE_INSTANCES_UNKNOWN,
        };
        if (json_object_object_get_ex(values, "available_instances", &available))
                ret->available = (uint32_t) json_object_get_uint64(available);
        return ret->id && ret->name && ret->device_api && ret->description ? 0 : -ENOMEM;
}

int mdev_types_parse(json_object *object, struct mdev_types *ret) {
        _cleanup_(mdev_types_clear) struct mdev_types types = {};

        types.items = calloc((size_t) json_object_object_length(object), sizeof(*types.items));
        if (!types.items && json_object_object_length(object) > 0)
                return -ENOMEM;
        json_object_object_foreach(object, id, values)
                if (parse(id, values, &types.items[types.n++]) < 0)
                        return -ENOMEM;

        *ret = types;
        types = (struct mdev_types) {};
        return 0;
}

const struct mdev_type *mdev_types_find(const struct mdev_types *types, const char *id) {
        for (size_t i = 0; i < types->n; i++)
                if (streq(types->items[i].id, id))
                        return &types->items[i];
        return NULL;
}

int mdev_types_add_full(struct mdev_types *types, const struct mdev_type *type) {
        struct mdev_type *items, copy;

        if (mdev_types_find(types, type->id))
                return 0;
        items = reallocarray(types->items, types->n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        types->items = items;
        copy = (struct mdev_type) {
                .id = strdup(type->id),
                .name = strdup(type->name),
                .device_api = strdup(type->device_api),
                .description = strdup(type->description),
        };
        if (!copy.id || !copy.name || !copy.device_api || !copy.description) {
                type_clear(&copy);
                return -ENOMEM;
        }
        items[types->n++] = copy;
        return 1;
}

bool mdev_types_equal(const struct mdev_types *a, const struct mdev_types *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++) {
                const struct mdev_type *x = &a->items[i], *y = mdev_types_find(b, x->id);

                if (!y || !streq(x->name, y->name) || !streq(x->device_api, y->device_api) ||
                    !streq(x->description, y->description) || x->available != y->available)
                        return false;
        }
        return true;
}
