/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The definitions as mdevctl sees them, read from their files. libvirt lists them often, and at once after a change: it
 * gets what is on disk, and no daemon needs to run. */

#include "common/definition.h"
#include "common/uuid.h"

struct mdevctl_store_parent {
        int fd;                 /* of its directory */
        char name[];
};

/* A file in the store. */
struct mdevctl_stored {
        const struct mdevctl_store_parent *parent;
        bool is_file;           /* whether it is a regular file */
        char uuid[UUID_TEXT_SIZE];
};

/* Sorted by parent, then by UUID. Zero-initialized it is empty. */
struct mdevctl_store {
        struct mdevctl_store_parent **parents;
        size_t n_parents;
        struct mdevctl_stored *items;
        size_t n;
        bool with_others;       /* whether to find what is no regular file, too */
        bool has_hidden;        /* whether something was left out that mdevctl does not have, see parent.h */
};

/** mdevctl_store_scan() - find the definitions of a parent (NULL: any) and a UUID (NULL: any), but for those that
 * mdevctl does not have. With any UUID the files are not read, so some of these may be found, and
 * mdevctl_is_other_definition() tells. @store is empty before. If there is no store, there are none. Returns 0 or a
 * negative errno. */
int mdevctl_store_scan(struct mdevctl_store *store, const char *parent, const char *uuid);

/** mdevctl_store_compare() - compare two definitions for that order, as strcmp() does. */
int mdevctl_store_compare(const char *parent_a, const char *uuid_a, const char *parent_b, const char *uuid_b);

void mdevctl_store_clear(struct mdevctl_store *store);
#define _cleanup_store_ _cleanup_(mdevctl_store_clear)

/** mdevctl_stored_read() - read a file. Returns 0; or a negative errno, with a text of its path and what is wrong,
 * which is NULL without memory. */
int mdevctl_stored_read(const struct mdevctl_stored *stored, struct definition **ret, char **ret_error);

/** mdevctl_stored_read_plain() - read a file that was a regular one in the scan, with fewer system calls. Any thread
 * may call it. Returns 0; or a negative errno, also for some files that the other function can read. */
int mdevctl_stored_read_plain(const struct mdevctl_stored *stored, struct definition **ret);
