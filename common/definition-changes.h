/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What Define and Modify change in a definition, on its way from a request to the worker that applies it. */

#include <json-c/json_object.h>

#include "common/definition.h"
#include "common/failure.h"

/* One attribute to add or to remove. The indices are those at its turn: earlier changes of the list count. */
struct attribute_change {
        bool add;
        int index;              /* -1: the end, or the last one */
        char *name;             /* with add */
        char *value;
};

/* Applied in this order. Zero-initialized it changes nothing. */
struct definition_changes {
        char *type;                     /* NULL: as it is */
        enum start_mode start;
        bool set_start;
        struct attributes attributes;   /* replace all, where set_attributes */
        bool set_attributes;
        struct attribute_change *list;
        size_t n_list;
};

void definition_changes_clear(struct definition_changes *changes);
#define _cleanup_definition_changes_ _cleanup_(definition_changes_clear)

/** definition_changes_add() - append one attribute change; the strings are copied, NULL where it removes. Returns 0,
 * -E2BIG beyond ATTRIBUTES_MAX changes, or -ENOMEM. */
int definition_changes_add(struct definition_changes *changes, bool add, int index, const char *name,
                           const char *value);

/** definition_changes_apply() - returns 0, or -1 with @failure set; the definition may then be changed in part. */
int definition_changes_apply(const struct definition_changes *changes, struct definition *definition,
                             struct failure *failure);

json_object *definition_changes_to_json(const struct definition_changes *changes);

/** definition_changes_from_json() - returns 0, -EBADMSG or -ENOMEM. */
int definition_changes_from_json(json_object *object, struct definition_changes *ret);
