/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of D-Bus messages as JSON. */

#include "client/shared/bus-json.h"

#include <errno.h>

static int read_basic(sd_bus_message *message, char type, json_object **ret) {
        union {
                const char *s;
                int b;
                uint8_t y;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
        } value;
        int r;

        r = sd_bus_message_read_basic(message, type, &value);
        if (r < 0)
                return r;

        switch (type) {
        case 's':
        case 'o':
        case 'g':
                *ret = json_object_new_string(value.s);
                break;
        case 'b':
                *ret = json_object_new_boolean(value.b);
                break;
        case 'i':
                *ret = json_object_new_int(value.i);
                break;
        case 'u':
                *ret = json_object_new_int64(value.u);
                break;
        case 'x':
                *ret = json_object_new_int64(value.x);
                break;
        case 't':
                *ret = json_object_new_uint64(value.t);
                break;
        default:
                return -EOPNOTSUPP;
        }

        return *ret ? 0 : -ENOMEM;
}

/* The items of an array or of a struct. */
static int read_items(sd_bus_message *message, json_object **ret) {
        _cleanup_json_ json_object *array = json_object_new_array();
        int r;

        while ((r = sd_bus_message_at_end(message, false)) == 0) {
                json_object *item;

                r = bus_json_read(message, &item);
                if (r < 0)
                        return r;
                json_push(&array, item);
        }
        if (r < 0 || !array)
                return r < 0 ? r : -ENOMEM;

        *ret = TAKE_PTR(array);
        return 0;
}

static int read_dictionary(sd_bus_message *message, const char *contents, json_object **ret) {
        _cleanup_json_ json_object *object = json_object_new_object();
        char entry[256];
        int r;

        /* "{sv}" without its braces. */
        if (contents[1] != 's' || strlen(contents) >= sizeof(entry))
                return -EOPNOTSUPP;
        snprintf(entry, sizeof(entry), "%.*s", (int) strlen(contents) - 2, contents + 1);

        while ((r = sd_bus_message_enter_container(message, 'e', entry)) > 0) {
                json_object *item;
                const char *key;

                r = sd_bus_message_read(message, "s", &key);
                if (r >= 0)
                        r = bus_json_read(message, &item);
                if (r < 0)
                        return r;
                json_put(&object, key, item);
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0 || !object)
                return r < 0 ? r : -ENOMEM;

        *ret = TAKE_PTR(object);
        return 0;
}

int bus_json_read(sd_bus_message *message, json_object **ret) {
        _cleanup_json_ json_object *value = NULL;
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(message, &type, &contents);
        if (r < 0)
                return r;
        if (r == 0)
                return -ENXIO;
        if (!contents)
                return read_basic(message, type, ret);

        r = sd_bus_message_enter_container(message, type, contents);
        if (r < 0)
                return r;
        if (type == 'v')
                r = bus_json_read(message, &value);
        else if (type == 'a' && contents[0] == '{')
                r = read_dictionary(message, contents, &value);
        else
                r = read_items(message, &value);
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(value);
        return 0;
}

const char *json_text(json_object *object, const char *key) {
        json_object *value;

        if (!json_object_object_get_ex(object, key, &value) || !value)
                return "";
        return json_value_text(value);
}

const char *json_error_text(json_object *properties) {
        json_object *error;

        if (!json_object_object_get_ex(properties, "Error", &error) || !json_object_is_type(error, json_type_array) ||
            json_object_array_length(error) != 2)
                return "";
        return json_value_text(json_object_array_get_idx(error, 1));
}

const char *json_value_text(json_object *value) {
        const char *text = json_object_get_string(value);

        /* json-c prints a number into memory that it allocates for that. */
        return text ? text : "(out of memory)";
}
