/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices and definitions as mdevctl lists them. All of them come from the daemon; those of one UUID are looked up in sysfs
 * and in the store, which costs the same however many there are. */

#include "common/record.h"

/* Sorted by parent, then by UUID. Zero-initialized it is empty. */
struct mdevctl_entries {
        struct record *items;
        size_t n;
        size_t allocated;
        const char *dump;               /* what the daemon gave, mapped */
        size_t dump_size;
        char **texts;                   /* of the records that were made here */
        size_t n_texts;
};

/** mdevctl_entries_find() - what a parent (NULL: any) and a UUID (NULL: any) have. @definitions_only: devices are not asked
 * for, so that files will do where no daemon can be reached. Returns EXIT_SUCCESS, or EXIT_FAILURE having said why. */
int mdevctl_entries_find(struct mdevctl_entries *entries, const char *parent, const char *uuid, bool definitions_only);

/** mdevctl_entries_keep() - forget those that have no device, or that are not defined. */
void mdevctl_entries_keep(struct mdevctl_entries *entries, bool (*wanted)(const struct record *entry));

/** mdevctl_entry_has_device() - one that mdevctl sees: it looks for the type, so none in the making. */
bool mdevctl_entry_has_device(const struct record *entry);

/** mdevctl_entry_has_file() - whether the store has a file for it, whatever is in that. */
bool mdevctl_entry_has_file(const struct record *entry);

/** mdevctl_entry_is_defined() - whether that file is a definition. */
bool mdevctl_entry_is_defined(const struct record *entry);

/** mdevctl_entries_set() - tell an entry's type and start (both NULL: it is not defined), and attributes. Returns 0 or
 * -ENOMEM. */
int mdevctl_entries_set(struct mdevctl_entries *entries, struct record *entry, const char *type, const char *start,
                        const struct attributes *attributes);

void mdevctl_entries_clear(struct mdevctl_entries *entries);
