/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a worker has read of a parent's types. */

#include <json-c/json.h>
#include <stdbool.h>

#include "common/bus-names.h"

/* A text that the driver does not have is empty. */
struct mdev_type {
        char *id;                       /* its name in sysfs, such as "mtty-1" */
        char *name;                     /* what the driver calls it */
        char *device_api;
        char *description;
        uint32_t available;             /* instances, or AVAILABLE_INSTANCES_UNKNOWN */
};

struct mdev_types {
        struct mdev_type *items;
        size_t n;
};

void mdev_types_clear(struct mdev_types *types);

/** mdev_types_parse() - take what report_parse() has found to be types. Returns 0 or -ENOMEM. */
int mdev_types_parse(json_object *object, struct mdev_types *ret);

/** mdev_types_find() - by the id; NULL if there is none. */
const struct mdev_type *mdev_types_find(const struct mdev_types *types, const char *id);

/** mdev_types_equal() - in whatever order. */
bool mdev_types_equal(const struct mdev_types *a, const struct mdev_types *b);
