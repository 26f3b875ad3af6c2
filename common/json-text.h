/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON text: reads it into json-c's objects without loss, and prints them as mdevctl does. */

#include <json-c/json_object.h>

#include "common/macro.h"

/* How deep objects and lists may be nested. mdevctl's parser (serde_json) has the same limit. */
#define JSON_TEXT_DEPTH_MAX 127

struct json_text_error {
        unsigned line;          /* counted from 1; 0: the text as a whole */
        const char *reason;     /* a static text */
};

DEFINE_CLEANUP_FUNC(json_object *, json_object_put)
#define _cleanup_json_ _cleanup_(json_object_putp)

/** json_put(), json_push() - add a value to an object under a key, and to the end of a list. Both take over @value. If
 * memory is short for the value or for adding it, the whole object or list is freed, and *@object or *@list is NULL
 * from then on. Later calls leave it NULL, so the caller checks it once, at the end. */
void json_put(json_object **object, const char *key, json_object *value);
void json_push(json_object **list, json_object *value);

/** json_text_parse() - read a text that is one object. It refuses what RFC 8259 refuses, and what json-c or a C string
 * cannot hold unchanged: NUL characters, halves of surrogate pairs, noncharacters, integers of more than 64 bits. If a
 * key occurs twice, the last value wins, in the place of the first one, as with mdevctl. Returns 0 and a reference that
 * belongs to the caller, -EBADMSG with @ret_error set, or -ENOMEM. */
int json_text_parse(const char *text, size_t size, json_object **ret, struct json_text_error *ret_error);

/** json_text_parse_any() - the same for a text that is one value of any kind. *ret is NULL for null. */
int json_text_parse_any(const char *text, size_t size, json_object **ret, struct json_text_error *ret_error);

/** json_text_parse_bytes() - the same for one object that json_text_print() has printed. Its strings may have any bytes
 * but NUL. */
int json_text_parse_bytes(const char *text, size_t size, json_object **ret);

/** json_text_format() - print as mdevctl 1.2 does (serde_json's pretty printer, no newline at the end), to the byte.
 * Returns 0 or -ENOMEM. */
int json_text_format(json_object *object, char **ret);

/** json_text_print() - print in one line, without spaces. Returns 0 or -ENOMEM. */
int json_text_print(json_object *object, char **ret);

/** json_text_find() - find a line in a text that json_text_parse() has read. Returns the line with @key of the
 * outermost object; with @index ≥ 0, the line where that element of its list begins; 0 when there is none. */
unsigned json_text_find(const char *text, size_t size, const char *key, int index);
