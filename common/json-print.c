/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints json-c's objects: in one line without spaces, or like serde_json's pretty printer. */

#include <errno.h>
#include <inttypes.h>
#include <json-c/linkhash.h>

#include "common/json-text.h"

#define INDENT 2

struct printer {
        char *text;
        size_t size, capacity;
        bool pretty;
        bool failed;            /* whether memory was short; then nothing more is added */
};

static void put(struct printer *printer, const char *text, size_t size) {
        if (printer->capacity - printer->size <= size) {
                size_t capacity = 2 * (printer->capacity + size + 1);
                char *larger = printer->failed ? NULL : realloc(printer->text, capacity);

                if (!larger) {
                        printer->failed = true;
                        return;
                }
                printer->text = larger;
                printer->capacity = capacity;
        }
        memcpy(printer->text + printer->size, text, size);
        printer->size += size;
        printer->text[printer->size] = '\0';
}

static void put_text(struct printer *printer, const char *text) {
        put(printer, text, strlen(text));
}

static void put_string(struct printer *printer, const char *text, size_t size) {
        static const char names[] = "bfnrt\"\\", values[] = "\b\f\n\r\t\"\\";
        const char *plain = text, *end = text + size;

        put_text(printer, "\"");
        for (; text < end; text++) {
                const char *value = *text ? strchr(values, *text) : NULL;
                char escape[8];

                if (!value && (unsigned char) *text >= ' ')
                        continue;
                if (value)
                        snprintf(escape, sizeof(escape), "\\%c", names[value - values]);
                else
                        snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char) *text);
                put(printer, plain, (size_t) (text - plain));
                put_text(printer, escape);
                plain = text + 1;
        }
        put(printer, plain, (size_t) (end - plain));
        put_text(printer, "\"");
}

static void put_integer(struct printer *printer, json_object *number) {
        int64_t n = json_object_get_int64(number);
        char text[32];

        if (n < 0)
                snprintf(text, sizeof(text), "%" PRId64, n);
        else
                snprintf(text, sizeof(text), "%" PRIu64, json_object_get_uint64(number));
        put_text(printer, text);
}

/* A fraction that was read from a text is printed with the same text. */
static void put_fraction(struct printer *printer, json_object *number) {
        const char *text = json_object_get_userdata(number);
        char digits[32];

        snprintf(digits, sizeof(digits), "%.17g", json_object_get_double(number));
        put_text(printer, text ? text : digits);
}

static void begin_item(struct printer *printer, bool first, unsigned int depth) {
        if (!first)
                put_text(printer, ",");
        if (!printer->pretty)
                return;
        put_text(printer, "\n");
        for (unsigned int i = 0; i < INDENT * depth; i++)
                put_text(printer, " ");
}

static void end_items(struct printer *printer, bool empty, unsigned int depth, const char *bracket) {
        if (!empty && printer->pretty)
                begin_item(printer, true, depth);
        put_text(printer, bracket);
}

static void put_value(struct printer *printer, json_object *value, unsigned int depth);

static void put_list(struct printer *printer, json_object *list, unsigned int depth) {
        size_t n = json_object_array_length(list);

        put_text(printer, "[");
        for (size_t i = 0; i < n; i++) {
                begin_item(printer, i == 0, depth + 1);
                put_value(printer, json_object_array_get_idx(list, i), depth + 1);
        }
        end_items(printer, n == 0, depth, "]");
}

static void put_object(struct printer *printer, json_object *object, unsigned int depth) {
        bool first = true;

        put_text(printer, "{");
        json_object_object_foreach(object, key, value) {
                begin_item(printer, first, depth + 1);
                first = false;
                put_string(printer, key, strlen(key));
                put_text(printer, printer->pretty ? ": " : ":");
                put_value(printer, value, depth + 1);
        }
        end_items(printer, first, depth, "}");
}

static void put_value(struct printer *printer, json_object *value, unsigned int depth) {
        switch (json_object_get_type(value)) {
        case json_type_object:
                return put_object(printer, value, depth);
        case json_type_array:
                return put_list(printer, value, depth);
        case json_type_string:
                return put_string(printer, json_object_get_string(value), (size_t) json_object_get_string_len(value));
        case json_type_int:
                return put_integer(printer, value);
        case json_type_double:
                return put_fraction(printer, value);
        case json_type_boolean:
                return put_text(printer, json_object_get_boolean(value) ? "true" : "false");
        default:
                return put_text(printer, "null");
        }
}

static int print(json_object *object, bool pretty, char **ret) {
        struct printer printer = { .pretty = pretty };

        put_value(&printer, object, 0);
        if (printer.failed) {
                free(printer.text);
                return -ENOMEM;
        }
        *ret = printer.text;
        return 0;
}

int json_text_format(json_object *object, char **ret) {
        return print(object, true, ret);
}

int json_text_print(json_object *object, char **ret) {
        return print(object, false, ret);
}
