/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a callout prints on its standard output. */

#include "worker/callout-reply.h"

#include <errno.h>
#include <json-c/linkhash.h>

#include "common/json-text.h"

static bool has(json_object *object, const char *key, const char *value) {
        json_object *list;

        if (!json_object_object_get_ex(object, key, &list) || !json_object_is_type(list, json_type_array))
                return false;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *item = json_object_array_get_idx(list, i);

                if (json_object_is_type(item, json_type_string) && streq(json_object_get_string(item), value))
                        return true;
        }
        return false;
}

bool callout_reply_capabilities(const char *text, struct callout_capabilities *ret) {
        _cleanup_json_ json_object *answer = NULL;
        struct json_text_error error;
        json_object *supports;

        if (!text || json_text_parse(text, strlen(text), &answer, &error) < 0)
                return false;
        if (!json_object_object_get_ex(answer, "supports", &supports) ||
            !json_object_is_type(supports, json_type_object))
                return false;

        *ret = (struct callout_capabilities) {
                .live = has(supports, "events", "live"),
                .modify = has(supports, "actions", "modify"),
        };
        return true;
}

static int append(json_object *item, struct attributes *ret) {
        if (!json_object_is_type(item, json_type_object))
                return -EBADMSG;

        json_object_object_foreach(item, name, value) {
                int r;

                if (!json_object_is_type(value, json_type_string))
                        return -EBADMSG;
                r = attributes_append(ret, name, json_object_get_string(value));
                if (r < 0)
                        return r;
        }
        return 0;
}

int callout_reply_attributes(const char *text, struct attributes *ret) {
        _cleanup_json_ json_object *list = NULL;
        struct json_text_error error;
        int r;

        r = json_text_parse_any(text, strlen(text), &list, &error);
        if (r < 0 || !list)
                return r;
        if (!json_object_is_type(list, json_type_array))
                return -EBADMSG;

        for (size_t i = 0; i < json_object_array_length(list); i++) {
                r = append(json_object_array_get_idx(list, i), ret);
                if (r < 0)
                        return r;
        }
        return 1;
}
