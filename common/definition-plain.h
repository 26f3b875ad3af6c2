/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Definitions in the very form in which mdevctl and we print them, read without a JSON parser: at 10,000
 * definitions that parser takes more time than the kernel does to open the files. */

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

/** plain_definition_parse() - returns 1; 0 when the text is anything else, perhaps also a definition; or -ENOMEM.
 * Strings are taken only if they are printable ASCII without escapes. @ret is to be freed by attributes_clear().
 */
int plain_definition_parse(const char *text, size_t size, struct plain_definition *ret);
