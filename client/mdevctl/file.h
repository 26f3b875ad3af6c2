/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A definition from the file of --jsonfile. */

#include "common/definition.h"

struct mdevctl_file {
        const char *path;
        char *text;
        size_t size;
};

void mdevctl_file_clear(struct mdevctl_file *file);
#define _cleanup_file_ _cleanup_(mdevctl_file_clear)

/** mdevctl_file_check() - whether the file can be opened. Returns EXIT_SUCCESS, or EXIT_FAILURE after a message. */
int mdevctl_file_check(const char *path);

/** mdevctl_file_read() - read a file, even /dev/stdin. Returns EXIT_SUCCESS, or EXIT_FAILURE after a message. */
int mdevctl_file_read(const char *path, struct mdevctl_file *ret);

/** mdevctl_file_parse() - make a definition of what was read. Returns EXIT_SUCCESS, or EXIT_FAILURE after a message. */
int mdevctl_file_parse(const struct mdevctl_file *file, struct definition **ret);
