/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A device's attributes: an ordered list of names and values, written in that order after the device was created.
 * A name may occur many times (vfio_ap: one assign_adapter for each adapter). */

#include "common/macro.h"

/* A name is a path below the device's directory. */
#define ATTRIBUTE_NAME_SIZE_MAX 1024

/* One write() to a sysfs file carries a page at most (fs/kernfs/file.c), and a newline is added. */
#define ATTRIBUTE_VALUE_SIZE_MAX 4095

/* vfio_ap, the longest list in the field, has 256 adapters, 256 domains and 256 control domains. */
#define ATTRIBUTES_MAX 1024

struct attribute {
        char *name;
        char *value;
};

/* Owns its items and their strings. Zero-initialized it is the empty list. */
struct attributes {
        struct attribute *items;
        size_t n;
};

/** attributes_insert() - put copies of @name and @value before the item @index; @index == n appends. Returns 0,
 * -ERANGE for a larger @index, -E2BIG beyond ATTRIBUTES_MAX, or -ENOMEM. Does not check name and value. */
int attributes_insert(struct attributes *attributes, size_t index, const char *name, const char *value);

/** attributes_append() - attributes_insert() at the end. */
int attributes_append(struct attributes *attributes, const char *name, const char *value);

/** attributes_remove() - remove the item @index. Returns 0, or -ERANGE. */
int attributes_remove(struct attributes *attributes, size_t index);

/** attributes_copy() - a copy with strings of its own. Returns 0 or -ENOMEM. */
int attributes_copy(const struct attributes *attributes, struct attributes *ret);

/** attributes_equal() - whether names, values and order are the same. */
bool attributes_equal(const struct attributes *a, const struct attributes *b);

/** attributes_clear() - free everything and become the empty list. */
void attributes_clear(struct attributes *attributes);

#define _cleanup_attributes_ _cleanup_(attributes_clear)

/** attribute_name_check() - whether a request may have this attribute written. Refuses what would leave the device's
 * directory, and what belongs to the driver core and not to the device's driver ("remove", "power/control", …).
 * Returns 0, or -EINVAL and a static text that says why, as a sentence without a subject: "is empty". */
int attribute_name_check(const char *name, const char **ret_reason);

/** attribute_value_check() - the same for a value: not longer than one write to sysfs carries, valid UTF-8. */
int attribute_value_check(const char *value, const char **ret_reason);

/** attributes_check() - check all names and values. On -EINVAL also tells the index of the bad item, and what is bad
 * about it as a sentence that begins with "the name" or "the value"; @ret_message is at least 128 bytes. */
#define ATTRIBUTES_CHECK_MESSAGE_SIZE 128
int attributes_check(const struct attributes *attributes, size_t *ret_index,
                     char ret_message[static ATTRIBUTES_CHECK_MESSAGE_SIZE]);
