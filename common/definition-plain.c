/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Definitions that look exactly as mdevctl and we print them. */

#include "common/definition-plain.h"

#include <errno.h>

struct cursor {
        const char *position;
        const char *end;
};

static bool take(struct cursor *cursor, const char *literal) {
        size_t size = strlen(literal);

        if ((size_t) (cursor->end - cursor->position) < size || memcmp(cursor->position, literal, size) != 0)
                return false;
        cursor->position += size;
        return true;
}

static bool take_string(struct cursor *cursor, struct plain_string *ret) {
        const char *begin = cursor->position + 1, *p = begin;

        if (!take(cursor, "\""))
                return false;
        while (p < cursor->end && *p >= ' ' && *p <= '~' && *p != '"' && *p != '\\')
                p++;
        *ret = (struct plain_string) { .text = begin, .size = (size_t) (p - begin) };
        cursor->position = p;
        return take(cursor, "\"");
}

static int append(struct attributes *attributes, const struct plain_string *name,
                  const struct plain_string *value) {
        _cleanup_free_ char *n = strndup(name->text, name->size), *v = strndup(value->text, value->size);

        return n && v ? attributes_append(attributes, n, v) : -ENOMEM;
}

/* Returns 1, 0 or -ENOMEM. A list that is too long is left to the other parser, which reports it. */
static int take_attributes(struct cursor *cursor, struct attributes *attributes) {
        struct plain_string name, value;
        int r;

        if (take(cursor, "[]"))
                return 1;
        if (!take(cursor, "["))
                return 0;
        do {
                if (!take(cursor, "\n    {\n      ") || !take_string(cursor, &name) || !take(cursor, ": ") ||
                    !take_string(cursor, &value) || !take(cursor, "\n    }"))
                        return 0;
                r = append(attributes, &name, &value);
                if (r < 0)
                        return r == -E2BIG ? 0 : r;
        } while (take(cursor, ","));
        return take(cursor, "\n  ]");
}

static int take_definition(struct cursor *cursor, struct plain_definition *ret) {
        int r;

        if (!take(cursor, "{\n  \"mdev_type\": ") || !take_string(cursor, &ret->type) ||
            !take(cursor, ",\n  \"start\": ") || !take_string(cursor, &ret->start) ||
            !take(cursor, ",\n  \"attrs\": "))
                return 0;
        r = take_attributes(cursor, &ret->attributes);
        if (r <= 0)
                return r;
        return take(cursor, "\n}") && cursor->position == cursor->end;
}

int plain_definition_parse(const char *text, size_t size, struct plain_definition *ret) {
        struct cursor cursor = { .position = text, .end = text + size };
        struct plain_definition definition = {};
        int r;

        r = take_definition(&cursor, &definition);
        if (r <= 0)
                attributes_clear(&definition.attributes);
        else
                *ret = definition;
        return r;
}
