/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The changes that Define and Modify make to a definition, on their way from a request to the worker that applies
 * them. */

#include <json-c/json_object.h>

#include "common/definition.h"
#include "common/failure.h"

/* One attribute to add or to remove. Its index is the one in the list that earlier changes have left. */
struct attribute_change {
        bool add;
        int index;              /* its position; -1: at the end, or the last attribute */
        char *name;             /* its name and value; NULL if it is removed */
        char *value;
};

/* All changes of a request. They are applied in this order. A zeroed struct changes nothing. */
struct definition_changes {
        char *type;                     /* the new type, or NULL if it stays */
        enum start_mode start;
        bool set_start;
        struct attributes attributes;   /* the new attributes, in place of all old ones, if set_attributes */
        bool set_attributes;
        struct attribute_change *list;
        size_t n_list;
};

void definition_changes_clear(struct definition_changes *changes);
#define _cleanup_definition_changes_ _cleanup_(definition_changes_clear)

/** definition_changes_add() - append the change of one attribute. @name and @value are copied; they are NULL if it is
 * removed. Returns 0, -E2BIG beyond ATTRIBUTES_MAX changes, or -ENOMEM. */
int definition_changes_add(struct definition_changes *changes, bool add, int index, const char *name,
                           const char *value);

/** definition_changes_apply() - apply all changes to @definition. Returns 0, or -1 with @failure set; then some of the
 * changes may have been made. */
int definition_changes_apply(const struct definition_changes *changes, struct definition *definition,
                             struct failure *failure);

json_object *definition_changes_to_json(const struct definition_changes *changes);

/** definition_changes_from_json() - read changes as definition_changes_to_json() makes them. Returns 0, -EBADMSG or
 * -ENOMEM. */
int definition_changes_from_json(json_object *object, struct definition_changes *ret);
