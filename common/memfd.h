/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text that is too large for a message. It is sent as a file in memory, which nobody can change any more. */

#include "common/macro.h"

/** memfd_new_sealed() - a sealed memfd with @text in it. Returns an fd or a negative errno. */
int memfd_new_sealed(const char *name, const char *text, size_t size);

/** memfd_map() - map a memfd that somebody else has sent. It must not be empty or larger than @size_max. It must be
 * sealed, because otherwise its sender could change the text while it is read. Returns 0, -EBADMSG for anything else,
 * or a negative errno. */
int memfd_map(int fd, size_t size_max, const char **ret, size_t *ret_size);

/** memfd_unmap() - unmap what memfd_map() has mapped; NULL is fine. */
void memfd_unmap(const char *text, size_t size);
