/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names and links of the driver core. */

#include <stdbool.h>
#include <stddef.h>

/** sysfs_resolve_link() - the path "/sys/devices/…" that a link in /sys/class or /sys/bus stands for. The link leads to
 * "../../../devices/…", so its target does not have to be looked up. Returns 0 or a negative errno. */
int sysfs_resolve_link(const char *link, char *ret, size_t size);

/** sysfs_name_is_plain() - whether @name can be the name of an entry: it has no slash, and is not "." or "..". */
bool sysfs_name_is_plain(const char *name);

/** sysfs_lists() - whether the directory @path, which begins with "sys/", has an entry @name. It reads the directory
 * and looks nothing up by @name, so @name may come from a caller. Returns 1, 0 or a negative errno. */
int sysfs_lists(const char *path, const char *name);
