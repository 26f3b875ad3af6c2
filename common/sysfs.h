/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What sysfs tells of parents and devices through links and directories of the driver core. Nothing in here reads a
 * file that a driver implements, so nothing in here can block on a driver: the daemon may call all of it. */

#include <limits.h>
#include <sys/types.h>

#include "common/macro.h"
#include "common/uuid.h"

#define SYSFS_PARENTS "sys/class/mdev_bus"
#define SYSFS_DEVICES "sys/bus/mdev/devices"

/* The driver core's names are at most NAME_MAX long. */
#define SYSFS_NAME_SIZE (NAME_MAX + 1)

struct sysfs_device {
        char path[PATH_MAX];            /* "/sys/devices/…/PARENT/UUID" */
        char parent[SYSFS_NAME_SIZE];
        char type[SYSFS_NAME_SIZE];     /* empty while there is no mdev_type link */
        bool has_remove;
        ino_t inode;                    /* of the directory: another device of the same UUID has another */
};

struct sysfs_parent {
        char path[PATH_MAX];            /* "/sys/devices/…/PARENT" */
        dev_t types_dev;                /* together the identity of the registration: st_dev and st_ino of */
        ino_t types_inode;              /* mdev_supported_types, made anew each time and never reused */
};

/** sysfs_lists() - whether the directory @path, which begins with "sys/", has an entry @name. It reads the directory,
 * and looks nothing up by that name: for one that a caller has said. Returns 1, 0 or a negative errno. */
int sysfs_lists(const char *path, const char *name);

/** sysfs_open_device() - an O_PATH fd of the device's directory. Returns an fd or a negative errno, -ENOENT when there
 * is none. @uuid must be normal. */
int sysfs_open_device(const char *uuid);

/** sysfs_look_at_device() - look at a device now. @path is where it was seen last, or NULL: the kernel takes the link
 * in /sys/bus/mdev/devices away at the beginning of a removal, and the device's directory only when its user has let
 * go. Both names present: complete; only remove: being created; neither: being removed (drivers/vfio/mdev/mdev_core.c
 * makes mdev_type last and removes it first). Returns 0, or -ENOENT. */
int sysfs_look_at_device(const char *uuid, const char *path, struct sysfs_device *ret);

/** sysfs_device_inode() - the inode of the device's directory at @path. Returns 0, or -ENOENT. */
int sysfs_device_inode(const char *path, ino_t *ret);

/** sysfs_device_is_complete() - whether the directory at @path still has @inode, and its mdev_type, which is the first
 * to go when a device is removed. */
bool sysfs_device_is_complete(const char *path, ino_t inode);

/** sysfs_find_device() - the same, looking below every parent for one whose link is gone. */
int sysfs_find_device(const char *uuid, struct sysfs_device *ret);

/** sysfs_list_devices() - call @func with UUID and path of each directory below a parent that is named like a device.
 * Returns 0 or a negative errno. */
int sysfs_list_devices(const char *parent, void (*func)(const char *uuid, const char *path, void *userdata),
                       void *userdata);

/** sysfs_look_at_parent() - look at a registered parent now. @name is one that readdir() or the kernel gave; a name
 * with a slash, "." or ".." is -ENOENT. Returns 0 or a negative errno. */
int sysfs_look_at_parent(const char *name, struct sysfs_parent *ret);

/** sysfs_open_types() - an O_PATH fd of a parent's mdev_supported_types. */
int sysfs_open_types(const char *parent);

/** sysfs_device_group() - number of the device's IOMMU group, i.e. the name of its node in /dev/vfio. Returns 0, or
 * -ENOENT when it has none. */
int sysfs_device_group(int device_fd, char *ret, size_t size);

/** sysfs_physical_device() - the name of the device whose instances a parent shares: of its physical function when it
 * is a virtual one, else its own. */
int sysfs_physical_device(const char *parent, char *ret, size_t size);
