/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The holders of a device: the processes that have one of its nodes in /dev/vfio open. @device_fd is the device's
 * directory in sysfs. */

#include <sys/types.h>

#include "common/macro.h"

/** vfio_group() - the number of the device's IOMMU group, which is the name of its node in /dev/vfio. Returns 0 or a
 * negative errno, -ENOENT when it has none. */
int vfio_group(int device_fd, char *ret, size_t size);

/* A function that is called with each holder. @name is the process's name in printable ASCII. Returns 0 to go on, or a
 * negative errno to stop. */
typedef int holder_func(pid_t pid, const char *name, void *userdata);

/** holders_find() - find the holders in /proc/PID/fd, which may block. Without privileges it finds only processes of
 * the same user. Returns the number of holders, or a negative errno, also that of @found. */
int holders_find(int device_fd, holder_func *found, void *userdata);

/** holder_has_device() - whether a process has more open than the group: this device's own node, or any device that it
 * got from a group. Also true when that cannot be found out. */
bool holder_has_device(int device_fd, pid_t pid);
