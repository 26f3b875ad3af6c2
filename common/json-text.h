/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON texts and json-c's objects: a text is read without loss, and written as mdevctl writes it. */

#include <json-c/json_object.h>

#include "common/macro.h"

/* How deep objects and lists may nest: as deep as mdevctl's parser (serde_json) goes. */
#define JSON_TEXT_DEPTH_MAX 127

struct json_text_error {
        unsigned line;          /* the line of the error, from 1; 0: the text as a whole */
        const char *reason;     /* a static text */
};

DEFINE_CLEANUP_FUNC(json_object *, json_object_put)
#define _cleanup_json_ _cleanup_(json_object_putp)

/** json_put(), json_push() - add a value to an object, or to the end of a list, and take it over. A NULL stands for
 * something that there was no memory for: if the value, the object or the list is NULL, or cannot grow, all of it is
 * freed, and *@object or *@list becomes NULL. So one check at the end is enough. (JSON's null cannot be added.) */
void json_put(json_object **object, const char *key, json_object *value);
void json_push(json_object **list, json_object *value);

/** json_text_parse() - read a text of one object. It is refused if RFC 8259 does not allow it, or if json-c or a C
 * string could not hold it unchanged: NUL characters, halves of surrogate pairs, noncharacters, integers of more than
 * 64 bits. When a key occurs twice, the last value counts, at the place of the first, as in mdevctl. Returns 0 and a
 * reference that the caller drops, -EBADMSG with @ret_error set, or -ENOMEM. */
int json_text_parse(const char *text, size_t size, json_object **ret, struct json_text_error *ret_error);

/** json_text_parse_any() - read a text of one value of any kind in the same way. The value null is NULL. */
int json_text_parse_any(const char *text, size_t size, json_object **ret, struct json_text_error *ret_error);

/** json_text_parse_bytes() - read the text of an object that json_text_print() has printed. Its strings may have any
 * bytes but NUL. */
int json_text_parse_bytes(const char *text, size_t size, json_object **ret);

/** json_text_format() - print as mdevctl 1.2 does, to the byte: as serde_json's pretty printer, without a newline at
 * the end. Returns 0 or -ENOMEM. */
int json_text_format(json_object *object, char **ret);

/** json_text_print() - print in one line, without spaces. Returns 0 or -ENOMEM. */
int json_text_print(json_object *object, char **ret);

/** json_text_find() - find the line of @key of the outermost object, in a text that json_text_parse() has read; or
 * with @index ≥ 0 the line where that element of its list begins. Errors about definitions name it. Returns the line,
 * or 0. */
unsigned json_text_find(const char *text, size_t size, const char *key, int index);
