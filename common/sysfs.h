/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parents and devices, as the links and directories of the driver core show them. No function in here reads a file that
 * a driver implements, so none can block on a driver. The daemon may call all of them. */

#include "common/device.h"
#include "common/uuid.h"

#define SYSFS_PARENTS "sys/class/mdev_bus"
#define SYSFS_DEVICES "sys/bus/mdev/devices"

/** sysfs_open_device() - open the device's directory with O_PATH. Returns an fd or a negative errno, -ENOENT when there
 * is no device. @uuid must be normal. */
int sysfs_open_device(const char *uuid);

/** sysfs_look_at_device() - read the state of a device now. @path is where it was seen last, or NULL: the kernel
 * removes the link in /sys/bus/mdev/devices at the beginning of a removal, and the device's directory only when its
 * user has let go. Returns 0 or a negative errno, -ENOENT when there is no device. */
int sysfs_look_at_device(const char *uuid, const char *path, struct sysfs_device *ret);

/** sysfs_open_directory() - open a device's directory with O_PATH. Returns an fd or a negative errno, -ENOENT also when
 * another device with another inode is at @path. */
int sysfs_open_directory(const char *path, ino_t inode);

/** sysfs_device_inode() - the inode of the device's directory at @path. Returns 0, or -ENOENT. */
int sysfs_device_inode(const char *path, ino_t *ret);

/** sysfs_find_device() - the same as sysfs_look_at_device(), but if the device's link is gone, it is searched below
 * every parent. */
int sysfs_find_device(const char *uuid, struct sysfs_device *ret);

/** sysfs_look_at_parent() - read the state of a registered parent now. @name comes from readdir() or from the kernel.
 * Returns 0 or a negative errno, -ENOENT also for a name with a slash, "." or "..". */
int sysfs_look_at_parent(const char *name, struct sysfs_parent *ret);

/** sysfs_open_types() - open a parent's mdev_supported_types with O_PATH. Returns an fd or a negative errno. */
int sysfs_open_types(const char *parent);
