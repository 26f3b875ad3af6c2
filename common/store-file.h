/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files of the store, /etc/mdevctl.d/PARENT/UUID: which may be looked at, and what they say. */

#include <sys/stat.h>

#include "common/definition.h"
#include "common/macro.h"

#define STORE_DIRECTORY "etc/mdevctl.d"

/* A definition in the making, at the store's top: mdevctl takes every file beside a definition for one. */
#define STORE_TEMPORARY_PREFIX ".mediated-"

/* mdevctl and editors write definitions in place. One that does not parse may be half written for so long. */
#define STORE_FRESH_USEC (200 * USEC_PER_MSEC)

/** store_open() - fd of the store's directory. Returns an fd or a negative errno, -ENOENT when there is no store. */
int store_open(void);

/** store_open_parent() - fd of a parent's directory in the store, which must be one and not a link to one. Returns an
 * fd or a negative errno; -EINVAL for a name that no parent can have. */
int store_open_parent(int store_fd, const char *parent);

/** store_read() - read and check one file. Only a regular file with one name is read, none that is a symbolic link, a
 * FIFO or anything else that an open() could wait for, wake up or be led astray by. Returns 0, or a negative errno:
 * -ENOENT when there is no such file; with -EBADMSG and -EFBIG @ret_error says what is wrong, as a sentence without a
 * subject, and @ret_stat is set. @ret_stat may be NULL. */
int store_read(int parent_fd, const char *name, struct definition **ret, struct stat *ret_stat,
               struct definition_error *ret_error);

/** store_file_is_fresh() - whether it was modified less than STORE_FRESH_USEC ago. */
bool store_file_is_fresh(const struct stat *st);

/** store_file_is_same() - whether nobody has replaced or modified the file between these two looks. */
bool store_file_is_same(const struct stat *a, const struct stat *b);
