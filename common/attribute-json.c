/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attributes on their way between daemon and worker. */

#include "common/attribute-json.h"

#include <errno.h>

#include "common/json-text.h"

json_object *attributes_to_json(const struct attributes *attributes) {
        json_object *list = json_object_new_array();

        for (size_t i = 0; i < attributes->n; i++) {
                json_object *pair = json_object_new_array();

                json_push(&pair, json_object_new_string(attributes->items[i].name));
                json_push(&pair, json_object_new_string(attributes->items[i].value));
                json_push(&list, pair);
        }

        return list;
}

int attributes_from_json(json_object *list, struct attributes *ret) {
        if (!json_object_is_type(list, json_type_array))
                return -EBADMSG;

        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *pair = json_object_array_get_idx(list, i), *name, *value;
                int r;

                if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2)
                        return -EBADMSG;
                name = json_object_array_get_idx(pair, 0);
                value = json_object_array_get_idx(pair, 1);
                if (!json_object_is_type(name, json_type_string) || !json_object_is_type(value, json_type_string))
                        return -EBADMSG;
                r = attributes_append(ret, json_object_get_string(name), json_object_get_string(value));
                if (r < 0)
                        return r;
        }

        return 0;
}
