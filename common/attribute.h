/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A device's attributes: an ordered list of names and values. They are written in this order after the device was
 * created. A name may occur many times (vfio_ap: one assign_adapter for each adapter). */

#include "common/macro.h"

/* The size of the longest name of an attribute. A name is a path below the device's directory. */
#define ATTRIBUTE_NAME_SIZE_MAX 1024

/* The size of the longest value. One write() to a sysfs file carries a page at most (fs/kernfs/file.c), and the worker
 * adds a newline. */
#define ATTRIBUTE_VALUE_SIZE_MAX 4095

/* How many attributes a device may have. The longest lists in the field are those of vfio_ap: 256 adapters, 256 domains
 * and 256 control domains. */
#define ATTRIBUTES_MAX 1024

struct attribute {
        char *name;
        char *value;
};

/* The list owns its items and their strings. A zeroed list is empty. */
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

/** attribute_name_check() - whether a request may write this attribute. Refuses a name that leads out of the device's
 * directory, and a name that belongs to the driver core instead of the device's driver ("remove", "power/control", …).
 * Returns 0, or -EINVAL and a static text that says why, as a sentence without a subject: "is empty". */
int attribute_name_check(const char *name, const char **ret_reason);

/** attribute_value_check() - the same for a value. It must be valid UTF-8 and fit into one write to sysfs. */
int attribute_value_check(const char *value, const char **ret_reason);

/** attributes_check() - check all names and values. Returns 0, or -EINVAL with the index of the first bad item in
 * *ret_index. @ret_message then says what is bad about it, as a sentence that begins with "the name" or "the value". */
#define ATTRIBUTES_CHECK_MESSAGE_SIZE 128
int attributes_check(const struct attributes *attributes, size_t *ret_index,
                     char ret_message[static ATTRIBUTES_CHECK_MESSAGE_SIZE]);
