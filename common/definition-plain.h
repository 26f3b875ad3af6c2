/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads definitions without a JSON parser, if they have exactly the form in which mdevctl and mediated print them. With
 * 10,000 definitions, the JSON parser takes more time than the kernel takes to open the files. */

#include <stdbool.h>
#include <stddef.h>

#include "common/attribute.h"

/* Parts of the text. */
struct plain_string {
        const char *text;
        size_t size;
};

struct plain_definition {
        struct plain_string type;
        struct plain_string start;
        struct attributes attributes;   /* copies */
};

/** plain_definition_parse() - read a definition. Returns 1; 0 when the text has another form (it may still be a
 * definition); or -ENOMEM. Strings are accepted only if they are printable ASCII without escapes. @ret is freed by
 * attributes_clear(). */
int plain_definition_parse(const char *text, size_t size, struct plain_definition *ret);
