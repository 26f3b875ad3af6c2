/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The types of mediated devices that a parent offers, as a worker has read them. */

#include <json-c/json.h>
#include <stdbool.h>

#include "common/bus-names.h"

struct mdev_type {
        char *id;                       /* the directory in sysfs, such as "mtty-1" */
        char *name;                     /* the driver's name for it; this and the next two are empty if the driver has
                                         * no such file */
        char *device_api;
        char *description;
        uint32_t available;             /* how many devices can still be made, or AVAILABLE_INSTANCES_UNKNOWN */
};

struct mdev_types {
        struct mdev_type *items;
        size_t n;
};

/** mdev_types_clear() - free the content. */
void mdev_types_clear(struct mdev_types *types);

/** mdev_types_parse() - @object is a report's, which report_parse() has checked. Returns 0 or -ENOMEM. */
int mdev_types_parse(json_object *object, struct mdev_types *ret);

/** mdev_types_find() - the type of that id, or NULL. */
const struct mdev_type *mdev_types_find(const struct mdev_types *types, const char *id);

/** mdev_types_add_full() - add a copy of @type of which no instance is available, unless there is a type of that id.
 * Returns whether it was added, or -ENOMEM. */
int mdev_types_add_full(struct mdev_types *types, const struct mdev_type *type);

/** mdev_types_equal() - whether both have the same types, in any order. */
bool mdev_types_equal(const struct mdev_types *a, const struct mdev_types *b);
