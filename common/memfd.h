/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text that is too large for a message, handed over as a file in memory that nobody can change any more. */

#include "common/macro.h"

/** memfd_new_sealed() - a sealed memfd with @text in it. Returns an fd or a negative errno. */
int memfd_new_sealed(const char *name, const char *text, size_t size);

/** memfd_map() - map what somebody else has handed over: not empty, not larger than @size_max, and sealed, or its
 * sender could change the text while it is read. Returns 0, -EBADMSG for anything else, or a negative errno. */
int memfd_map(int fd, size_t size_max, const char **ret, size_t *ret_size);

/** memfd_unmap() - the end of that; NULL is fine. */
void memfd_unmap(const char *text, size_t size);
