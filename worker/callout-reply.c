/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a callout prints on its standard output. */

#include "worker/callout-reply.h"

#include <errno.h>
#include <json-c/linkhash.h>

#include "common/json-text.h"

static const char *const events[] = { "pre", "post", "notify", "get", "live" };
static const char *const actions[] = { "start", "stop", "define", "undefine", "modify", "attributes", "capabilities" };

/* Returns the bit of a name, or 0. */
static unsigned int bit_of(const char *name, const char *const *names, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (streq(names[i], name))
                        return 1U << i;
        return 0;
}

/* Returns whether there is a list of names, and the bits of those that are known. */
static bool read_names(json_object *object, const char *key, const char *const *names, size_t n, unsigned int *ret) {
        unsigned int bits = 0;
        json_object *list;

        if (!json_object_object_get_ex(object, key, &list) || !json_object_is_type(list, json_type_array))
                return false;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *item = json_object_array_get_idx(list, i);

                if (!json_object_is_type(item, json_type_string))
                        return false;
                bits |= bit_of(json_object_get_string(item), names, n);
        }
        *ret = bits;
        return true;
}

bool callout_reply_capabilities(const char *text, struct callout_capabilities *ret) {
        _cleanup_json_ json_object *answer = NULL;
        struct callout_capabilities capabilities;
        json_object *supports, *version;
        struct json_text_error error;

        if (!text || json_text_parse(text, strlen(text), &answer, &error) < 0)
                return false;
        if (!json_object_object_get_ex(answer, "supports", &supports) ||
            !json_object_is_type(supports, json_type_object))
                return false;
        /* mdevctl takes nothing less for an answer. */
        if (!json_object_object_get_ex(supports, "version", &version) || !json_object_is_type(version, json_type_int) ||
            !read_names(supports, "events", events, ELEMENTSOF(events), &capabilities.events) ||
            !read_names(supports, "actions", actions, ELEMENTSOF(actions), &capabilities.actions))
                return false;
        *ret = capabilities;
        return true;
}

bool callout_supports(const struct callout_capabilities *capabilities, const char *event, const char *action) {
        return (capabilities->events & bit_of(event, events, ELEMENTSOF(events))) &&
               (capabilities->actions & bit_of(action, actions, ELEMENTSOF(actions)));
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
