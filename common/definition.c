/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A definition: the contents of a file /etc/mdevctl.d/PARENT/UUID. */

#include <errno.h>
#include <json-c/json_object_iterator.h>
#include <json-c/linkhash.h>
#include <stdarg.h>

#include "common/definition-plain.h"
#include "common/definition.h"
#include "common/json-text.h"
#include "common/name.h"

#define KEY_TYPE "mdev_type"
#define KEY_START "start"
#define KEY_ATTRIBUTES "attrs"
#define KEY_BACKEND "backend"

struct definition {
        char *type;
        enum start_mode start;
        struct attributes attributes;

        /* All keys of the file in their order, with null in place of the three values above. It is NULL if the file has
         * mdevctl's keys in mdevctl's order and no others: json-c takes a kilobyte for an object, and there may be
         * 10,000 definitions. */
        json_object *layout;
};

static const char *const start_mode_names[_START_MODE_MAX] = {
        [START_MANUAL] = "manual",
        [START_AUTO] = "auto",
};

const char *start_mode_to_string(enum start_mode start) {
        return start_mode_names[start];
}

enum start_mode start_mode_from_string(const char *text) {
        for (enum start_mode start = 0; start < _START_MODE_MAX; start++)
                if (streq(start_mode_names[start], text))
                        return start;
        return _START_MODE_INVALID;
}

_printf_(4, 5) static int fail(struct definition_error *error, int code, unsigned line, const char *format, ...) {
        va_list arguments;

        error->line = line;
        va_start(arguments, format);
        (void) vsnprintf(error->message, sizeof(error->message), format, arguments);
        va_end(arguments);
        return code;
}

/* The text that is parsed. An error needs it to find its line. */
struct source {
        const char *text;
        size_t size;
        struct definition_error *error;
};

_printf_(4, 5) static int refuse(const struct source *source, const char *key, int index, const char *format, ...) {
        char message[sizeof(source->error->message)];
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        return fail(source->error, -EBADMSG, json_text_find(source->text, source->size, key, index), "%s", message);
}

static int parse_type(const struct source *source, json_object *object, struct definition *definition) {
        json_object *value = json_object_object_get(object, KEY_TYPE);

        if (!value)
                return refuse(source, KEY_TYPE, -1, "\"mdev_type\" is missing");
        if (!json_object_is_type(value, json_type_string))
                return refuse(source, KEY_TYPE, -1, "\"mdev_type\" is not a string");
        return definition_set_type(definition, json_object_get_string(value));
}

static int parse_start(const struct source *source, json_object *object, struct definition *definition) {
        json_object *value = json_object_object_get(object, KEY_START);

        if (!value)
                return refuse(source, KEY_START, -1, "\"start\" is missing");
        if (json_object_is_type(value, json_type_string) &&
            start_mode_from_string(json_object_get_string(value)) == START_AUTO)
                definition->start = START_AUTO;
        else
                definition->start = START_MANUAL;
        return 0;
}

static int parse_attribute(const struct source *source, json_object *item, size_t index,
                           struct definition *definition) {
        struct json_object_iterator begin;
        json_object *value;
        int r;

        if (!json_object_is_type(item, json_type_object) || json_object_object_length(item) != 1)
                return refuse(source, KEY_ATTRIBUTES, (int) index, "attribute %zu is not an object of one key",
                              index);
        begin = json_object_iter_begin(item);
        value = json_object_iter_peek_value(&begin);
        if (!json_object_is_type(value, json_type_string))
                return refuse(source, KEY_ATTRIBUTES, (int) index, "the value of attribute %zu is not a string",
                              index);
        r = attributes_append(&definition->attributes, json_object_iter_peek_name(&begin),
                              json_object_get_string(value));
        if (r == -E2BIG)
                return refuse(source, KEY_ATTRIBUTES, (int) index, "more than %d attributes", ATTRIBUTES_MAX);
        return r;
}

static int parse_attributes(const struct source *source, json_object *object, struct definition *definition) {
        json_object *list = json_object_object_get(object, KEY_ATTRIBUTES);
        int r;

        if (!list)
                return 0;
        if (!json_object_is_type(list, json_type_array))
                return refuse(source, KEY_ATTRIBUTES, -1, "\"attrs\" is not a list");

        for (size_t i = 0; i < json_object_array_length(list); i++) {
                r = parse_attribute(source, json_object_array_get_idx(list, i), i, definition);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool is_known_key(const char *key) {
        return streq(key, KEY_TYPE) || streq(key, KEY_START) || streq(key, KEY_ATTRIBUTES);
}

/* Whether the keys are those of mdevctl, in its order; "attrs", the last one, is optional. */
static bool has_plain_layout(json_object *object) {
        static const char *const keys[] = { KEY_TYPE, KEY_START, KEY_ATTRIBUTES };
        struct json_object_iter item;
        size_t i = 0;

        json_object_object_foreachC(object, item)
                if (i >= ELEMENTSOF(keys) || !streq(item.key, keys[i++]))
                        return false;
        return true;
}

static int make_layout(json_object *object, json_object **ret) {
        _cleanup_json_ json_object *layout = json_object_new_object();
        struct json_object_iter item;

        if (!layout)
                return -ENOMEM;
        json_object_object_foreachC(object, item) {
                json_object *value = is_known_key(item.key) ? NULL : json_object_get(item.val);

                if (json_object_object_add(layout, item.key, value) < 0) {
                        json_object_put(value);
                        return -ENOMEM;
                }
        }
        *ret = TAKE_PTR(layout);
        return 0;
}

/* Returns 1; 0 when the text must be parsed as any other JSON; or -ENOMEM. */
static int parse_plain(const char *text, size_t size, struct definition **ret) {
        _cleanup_definition_ struct definition *definition = NULL;
        struct plain_definition plain;
        int r;

        r = plain_definition_parse(text, size, &plain);
        if (r <= 0)
                return r;

        definition = calloc(1, sizeof(*definition));
        if (!definition) {
                attributes_clear(&plain.attributes);
                return -ENOMEM;
        }
        definition->attributes = plain.attributes;
        definition->type = strndup(plain.type.text, plain.type.size);
        if (!definition->type)
                return -ENOMEM;
        if (plain.start.size == strlen("auto") && memcmp(plain.start.text, "auto", plain.start.size) == 0)
                definition->start = START_AUTO;
        *ret = TAKE_PTR(definition);
        return 1;
}

int definition_parse(const char *text, size_t size, struct definition **ret, struct definition_error *ret_error) {
        _cleanup_definition_ struct definition *definition = NULL;
        const struct source source = { .text = text, .size = size, .error = ret_error };
        _cleanup_json_ json_object *object = NULL;
        struct json_text_error error;
        int r;

        if (size > DEFINITION_SIZE_MAX)
                return fail(ret_error, -EFBIG, 0, "larger than %d KiB", DEFINITION_SIZE_MAX / 1024);

        r = parse_plain(text, size, ret);
        if (r != 0)
                return r < 0 ? r : 0;
        r = json_text_parse(text, size, &object, &error);
        if (r == -EBADMSG)
                return fail(ret_error, r, error.line, "%s", error.reason);
        if (r < 0)
                return r;

        definition = calloc(1, sizeof(*definition));
        if (!definition)
                return -ENOMEM;
        r = parse_type(&source, object, definition);
        if (r < 0)
                return r;
        r = parse_start(&source, object, definition);
        if (r < 0)
                return r;
        r = parse_attributes(&source, object, definition);
        if (r < 0)
                return r;
        if (!has_plain_layout(object)) {
                r = make_layout(object, &definition->layout);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(definition);
        return 0;
}

int definition_new(const char *type, enum start_mode start, const struct attributes *attributes,
                   struct definition **ret) {
        _cleanup_definition_ struct definition *definition = NULL;
        int r;

        definition = calloc(1, sizeof(*definition));
        if (!definition)
                return -ENOMEM;
        definition->start = start;
        r = definition_set_type(definition, type);
        if (r < 0)
                return r;
        if (attributes) {
                r = definition_set_attributes(definition, attributes);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(definition);
        return 0;
}

struct definition *definition_free(struct definition *definition) {
        if (!definition)
                return NULL;

        free(definition->type);
        attributes_clear(&definition->attributes);
        json_object_put(definition->layout);
        free(definition);
        return NULL;
}

int definition_check(const struct definition *definition, struct definition_error *ret_error) {
        char message[ATTRIBUTES_CHECK_MESSAGE_SIZE];
        const char *reason;
        size_t index;
        int r;

        r = type_name_check(definition->type, &reason);
        if (r < 0)
                return fail(ret_error, r, 0, "the type %s", reason);
        r = attributes_check(&definition->attributes, &index, message);
        if (r < 0)
                return fail(ret_error, r, 0, "attribute %zu: %s", index, message);
        return 0;
}

const char *definition_type(const struct definition *definition) {
        return definition->type;
}

enum start_mode definition_start(const struct definition *definition) {
        return definition->start;
}

const struct attributes *definition_attributes(const struct definition *definition) {
        return &definition->attributes;
}

const char *definition_backend(const struct definition *definition) {
        json_object *value = json_object_object_get(definition->layout, KEY_BACKEND);

        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static json_object *plain_layout(void) {
        static const char *const keys[] = { KEY_TYPE, KEY_START, KEY_ATTRIBUTES };
        _cleanup_json_ json_object *layout = json_object_new_object();

        for (size_t i = 0; layout && i < ELEMENTSOF(keys); i++)
                if (json_object_object_add(layout, keys[i], NULL) < 0)
                        return NULL;
        return TAKE_PTR(layout);
}

int definition_set_backend(struct definition *definition, const char *backend) {
        json_object *value;

        if (!definition->layout)
                definition->layout = plain_layout();
        value = definition->layout ? json_object_new_string(backend) : NULL;
        if (!value)
                return -ENOMEM;
        if (json_object_object_add(definition->layout, KEY_BACKEND, value) >= 0)
                return 0;
        json_object_put(value);
        return -ENOMEM;
}

int definition_set_type(struct definition *definition, const char *type) {
        char *copy = strdup(type);

        if (!copy)
                return -ENOMEM;
        free(definition->type);
        definition->type = copy;
        return 0;
}

void definition_set_start(struct definition *definition, enum start_mode start) {
        definition->start = start;
}

int definition_set_attributes(struct definition *definition, const struct attributes *attributes) {
        struct attributes copy;
        int r;

        r = attributes_copy(attributes, &copy);
        if (r < 0)
                return r;
        attributes_clear(&definition->attributes);
        definition->attributes = copy;
        return 0;
}

int definition_add_attribute(struct definition *definition, int index, const char *name, const char *value) {
        if (index < -1)
                return -ERANGE;
        return attributes_insert(&definition->attributes,
                                 index < 0 ? definition->attributes.n : (size_t) index, name, value);
}

int definition_remove_attribute(struct definition *definition, int index) {
        size_t n = definition->attributes.n;
        int r;

        if (index < -1)
                return -ERANGE;
        if (index < 0 && n == 0)
                return 0;
        r = attributes_remove(&definition->attributes, index < 0 ? n - 1 : (size_t) index);
        return r < 0 ? r : 1;
}

static json_object *attributes_to_list(const struct attributes *attributes) {
        json_object *list = json_object_new_array();

        for (size_t i = 0; i < attributes->n; i++) {
                json_object *item = json_object_new_object();

                json_put(&item, attributes->items[i].name, json_object_new_string(attributes->items[i].value));
                json_push(&list, item);
        }
        return list;
}

/* Puts type, start and attributes into an object. A key that it has already keeps its place. */
static void fill(const struct definition *definition, json_object **object) {
        json_put(object, KEY_TYPE, json_object_new_string(definition->type));
        json_put(object, KEY_START, json_object_new_string(start_mode_to_string(definition->start)));
        json_put(object, KEY_ATTRIBUTES, attributes_to_list(&definition->attributes));
}

int definition_to_json(const struct definition *definition, json_object **ret) {
        json_object *object = json_object_new_object();

        fill(definition, &object);
        if (!object)
                return -ENOMEM;
        *ret = object;
        return 0;
}

int definition_format(const struct definition *definition, char **ret) {
        _cleanup_json_ json_object *object = NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        if (definition->layout) {
                r = make_layout(definition->layout, &object);
                if (r < 0)
                        return r;
        } else
                object = json_object_new_object();
        fill(definition, &object);
        r = object ? json_text_format(object, &text) : -ENOMEM;
        if (r < 0)
                return r;
        if (strlen(text) > DEFINITION_SIZE_MAX)
                return -EFBIG;
        *ret = TAKE_PTR(text);
        return 0;
}
