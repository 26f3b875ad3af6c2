/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changes of a definition: collected, sent, applied. */

#include "common/definition-changes.h"

#include "common/attribute-json.h"
#include "common/json-text.h"

void definition_changes_clear(struct definition_changes *changes) {
        free(changes->type);
        attributes_clear(&changes->attributes);
        for (size_t i = 0; i < changes->n_list; i++) {
                free(changes->list[i].name);
                free(changes->list[i].value);
        }
        free(changes->list);
        *changes = (struct definition_changes) {};
}

int definition_changes_add(struct definition_changes *changes, bool add, int index, const char *name,
                           const char *value) {
        struct attribute_change change = { .add = add, .index = index }, *list;

        if (changes->n_list >= ATTRIBUTES_MAX)
                return -E2BIG;

        list = reallocarray(changes->list, changes->n_list + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        changes->list = list;

        change.name = name ? strdup(name) : NULL;
        change.value = value ? strdup(value) : NULL;
        if ((name && !change.name) || (value && !change.value)) {
                free(change.name);
                free(change.value);
                return -ENOMEM;
        }
        list[changes->n_list++] = change;
        return 0;
}

static int fail(int r, struct failure *failure, const struct definition *definition, int index) {
        switch (r) {
        case -ERANGE:
                return failure_set(failure, FAILURE_INVALID_ARGS,
                                   "There is no attribute number %d, the definition has %zu; they count from 0", index,
                                   definition_attributes(definition)->n);
        case -E2BIG:
                return failure_set(failure, FAILURE_LIMITS_EXCEEDED, "A definition has at most %d attributes",
                                   ATTRIBUTES_MAX);
        default:
                return failure_set(failure, FAILURE_IO_ERROR, "Out of memory");
        }
}

int definition_changes_apply(const struct definition_changes *changes, struct definition *definition,
                             struct failure *failure) {
        int r = 0;

        if (changes->type)
                r = definition_set_type(definition, changes->type);
        if (r >= 0 && changes->set_start)
                definition_set_start(definition, changes->start);
        if (r >= 0 && changes->set_attributes)
                r = definition_set_attributes(definition, &changes->attributes);
        if (r < 0)
                return fail(r, failure, definition, 0);

        for (size_t i = 0; i < changes->n_list; i++) {
                const struct attribute_change *change = changes->list + i;

                if (change->add)
                        r = definition_add_attribute(definition, change->index, change->name, change->value);
                else
                        r = definition_remove_attribute(definition, change->index);
                if (r < 0)
                        return fail(r, failure, definition, change->index);
        }

        return 0;
}

static json_object *list_to_json(const struct definition_changes *changes) {
        json_object *list = json_object_new_array();

        for (size_t i = 0; i < changes->n_list; i++) {
                json_object *item = json_object_new_array();

                json_push(&item, json_object_new_int(changes->list[i].index));
                if (changes->list[i].add) {
                        json_push(&item, json_object_new_string(changes->list[i].name));
                        json_push(&item, json_object_new_string(changes->list[i].value));
                }
                json_push(&list, item);
        }

        return list;
}

json_object *definition_changes_to_json(const struct definition_changes *changes) {
        json_object *object = json_object_new_object();

        if (changes->type)
                json_put(&object, "type", json_object_new_string(changes->type));
        if (changes->set_start)
                json_put(&object, "start", json_object_new_string(start_mode_to_string(changes->start)));
        if (changes->set_attributes)
                json_put(&object, "attributes", attributes_to_json(&changes->attributes));
        json_put(&object, "list", list_to_json(changes));
        return object;
}

/* An item [index, name, value] adds an attribute, and an item [index] removes one. */
static int list_from_json(json_object *list, struct definition_changes *changes) {
        int r;

        if (!json_object_is_type(list, json_type_array))
                return -EBADMSG;

        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *item = json_object_array_get_idx(list, i), *index, *name, *value;
                size_t n;

                if (!json_object_is_type(item, json_type_array))
                        return -EBADMSG;
                n = json_object_array_length(item);
                index = json_object_array_get_idx(item, 0);
                name = json_object_array_get_idx(item, 1);
                value = json_object_array_get_idx(item, 2);
                if ((n != 1 && n != 3) || !json_object_is_type(index, json_type_int) ||
                    (n == 3 && (!json_object_is_type(name, json_type_string) ||
                                !json_object_is_type(value, json_type_string))))
                        return -EBADMSG;

                r = definition_changes_add(changes, n == 3, json_object_get_int(index),
                                           n == 3 ? json_object_get_string(name) : NULL,
                                           n == 3 ? json_object_get_string(value) : NULL);
                if (r < 0)
                        return r;
        }

        return 0;
}

int definition_changes_from_json(json_object *object, struct definition_changes *ret) {
        _cleanup_definition_changes_ struct definition_changes changes = {};
        json_object *value;
        int r = 0;

        if (!json_object_is_type(object, json_type_object))
                return -EBADMSG;

        if (json_object_object_get_ex(object, "type", &value)) {
                if (!json_object_is_type(value, json_type_string))
                        return -EBADMSG;
                changes.type = strdup(json_object_get_string(value));
                if (!changes.type)
                        return -ENOMEM;
        }
        if (json_object_object_get_ex(object, "start", &value)) {
                if (!json_object_is_type(value, json_type_string))
                        return -EBADMSG;
                changes.start = start_mode_from_string(json_object_get_string(value));
                if (changes.start < 0)
                        return -EBADMSG;
                changes.set_start = true;
        }
        if (json_object_object_get_ex(object, "attributes", &value)) {
                changes.set_attributes = true;
                r = attributes_from_json(value, &changes.attributes);
        }
        if (r >= 0 && json_object_object_get_ex(object, "list", &value))
                r = list_from_json(value, &changes);
        if (r < 0)
                return r;

        *ret = changes;
        changes = (struct definition_changes) {};
        return 0;
}
