/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UUIDs by their beginnings: found by one, and cut down to one. */

#include "common/uuid.h"

#include "common/macro.h"

/** uuid_prefix_normalize() - lower case, if @text can be the beginning of a UUID: hexadecimal digits and dashes where
 * they belong, at least one character. Returns 0 or -EINVAL. */
int uuid_prefix_normalize(const char *text, char ret[static UUID_TEXT_SIZE]);

/** uuid_prefix_find() - the one of @uuids (normal ones, each may occur several times) that begins with @prefix.
 * Returns 0; -ENOENT when there is none; -ENOTUNIQ when there are several, with two of them in @ret and @ret_other. */
int uuid_prefix_find(const char *prefix, const char *const *uuids, size_t n, const char **ret, const char **ret_other);

/** uuid_prefix_length() - how many characters, at least 8, tell all of @uuids apart. Sorts @uuids. */
size_t uuid_prefix_length(const char **uuids, size_t n);
