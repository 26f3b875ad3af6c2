/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Beginnings of UUIDs: a UUID is found by one, and cut to one. */

#include "common/macro.h"
#include "common/uuid.h"

/** uuid_prefix_normalize() - write @text in lower case, if it can be the beginning of a UUID: at least one character,
 * hexadecimal digits, and dashes at their places. Returns 0 or -EINVAL. */
int uuid_prefix_normalize(const char *text, char ret[static UUID_TEXT_SIZE]);

/** uuid_prefix_find() - find the one of @uuids that begins with @prefix. They are in normal form, and each may occur
 * several times. Returns 0; -ENOENT when there is none; or -ENOTUNIQ when there are several, with two of them in @ret
 * and @ret_other. */
int uuid_prefix_find(const char *prefix, const char *const *uuids, size_t n, const char **ret, const char **ret_other);

/** uuid_prefix_length() - how long beginnings, of at least 8 characters, must be to be different for all of @uuids.
 * Sorts @uuids. */
size_t uuid_prefix_length(const char **uuids, size_t n);
