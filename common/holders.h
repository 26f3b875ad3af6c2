/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who uses a device: the processes that have one of its nodes in /dev/vfio open. */

#include <sys/types.h>

#include "common/macro.h"

/* Called with each; @name is printable ASCII. Returns 0 to go on, or a negative errno. */
typedef int holder_func(pid_t pid, const char *name, void *userdata);

/** holders_find() - look through /proc/PID/fd, which may block. Without privileges it sees the person's own processes
 * alone. @device_fd: the device's directory in sysfs. Returns the number of holders or a negative errno. */
int holders_find(int device_fd, holder_func *found, void *userdata);

/** holder_has_device() - whether a process has more open than a group: this device's own node, or any device that it
 * got from a group. True when that cannot be seen. */
bool holder_has_device(int device_fd, pid_t pid);
