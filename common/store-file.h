/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files of the store, /etc/mdevctl.d/PARENT/UUID: which of them may be read, and what they contain. */

#include <sys/stat.h>

#include "common/definition.h"
#include "common/macro.h"

#define STORE_DIRECTORY "etc/mdevctl.d"

/* The prefix of a temporary file, which becomes a definition. It is made at the top of the store, because mdevctl takes
 * every file beside a definition for another definition. */
#define STORE_TEMPORARY_PREFIX ".mediated-"

/* How long a file may be half written after its last change. mdevctl and editors write definitions in place, so a file
 * that does not parse may be complete a moment later. */
#define STORE_FRESH_USEC (200 * USEC_PER_MSEC)

/** store_open() - open the store's directory. Returns an fd or a negative errno, -ENOENT when there is no store. */
int store_open(void);

/** store_open_parent() - open a parent's directory in the store. It must be a directory, not a link to one. Returns an
 * fd or a negative errno; -EINVAL for a name that no parent can have. */
int store_open_parent(int store_fd, const char *parent);

/** store_read() - read and check one file. It must be a regular file that has no other name (hard link). Symbolic
 * links, FIFOs and devices are not opened, because an open() could follow them, wait for them, or have an effect on
 * them. Returns 0 or a negative errno, -ENOENT when there is no such file. With -EBADMSG and -EFBIG, @ret_error says
 * what is wrong, as a sentence without a subject, and @ret_stat is set. @ret_stat may be NULL. */
int store_read(int parent_fd, const char *name, struct definition **ret, struct stat *ret_stat,
               struct definition_error *ret_error);

/** store_file_is_fresh() - whether the file was modified less than STORE_FRESH_USEC ago. */
bool store_file_is_fresh(const struct stat *st);

/** store_file_is_same() - whether nobody has replaced or modified the file between @a and @b. */
bool store_file_is_same(const struct stat *a, const struct stat *b);
