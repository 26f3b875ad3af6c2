/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The definitions as mdevctl sees them: read from the files themselves. Libvirt lists them often and at once after
 * a change, so that what is printed is what is on disk, and no daemon has to run for it. */

#include "common/definition.h"
#include "common/uuid.h"

struct mdevctl_store_parent {
        int fd;                 /* of its directory */
        char name[];
};

/* A file of the store. */
struct mdevctl_stored {
        const struct mdevctl_store_parent *parent;
        bool is_file;           /* false: something else that has a UUID for its name */
        char uuid[UUID_TEXT_SIZE];
};

/* Sorted by parent, then by UUID. Zero-initialized it is empty. */
struct mdevctl_store {
        struct mdevctl_store_parent **parents;
        size_t n_parents;
        struct mdevctl_stored *items;
        size_t n;
        size_t allocated;
        bool with_others;       /* what is no file is to be found too */
};

/** mdevctl_store_scan() - find the definitions of a parent (NULL: of all) that have a UUID (NULL: any). Without a
 * store there are none. Returns 0 or a negative errno. */
int mdevctl_store_scan(struct mdevctl_store *store, const char *parent, const char *uuid);

/** mdevctl_store_compare() - the order of that. */
int mdevctl_store_compare(const char *parent_a, const char *uuid_a, const char *parent_b, const char *uuid_b);

void mdevctl_store_clear(struct mdevctl_store *store);
#define _cleanup_store_ _cleanup_(mdevctl_store_clear)

/** mdevctl_stored_read() - what a file says. Returns 0; or a negative errno with a text of its path and what is
 * wrong. */
int mdevctl_stored_read(const struct mdevctl_stored *stored, struct definition **ret, char **ret_error);

/** mdevctl_stored_read_plain() - the same for a file that the scan has just seen to be a regular one: it is opened
 * without another look. Any thread may call it. Returns 0; or a negative errno, also for some files that the other
 * one reads. */
int mdevctl_stored_read_plain(const struct mdevctl_stored *stored, struct definition **ret);
