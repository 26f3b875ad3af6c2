/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parents and devices as sysfs shows them at one moment. */

#include <limits.h>
#include <sys/types.h>

#include "common/macro.h"

/* The size of a buffer for a name of the driver core, which has at most NAME_MAX bytes. */
#define SYSFS_NAME_SIZE (NAME_MAX + 1)

enum device_state {
        DEVICE_STARTING,        /* is being created; an attempt to remove it now may wedge it */
        DEVICE_ACTIVE,          /* is complete */
        DEVICE_STOPPING,        /* is being removed */
        DEVICE_WEDGED,          /* can be used, but never be removed; a removal may look like this for a moment */
        _DEVICE_STATE_MAX,
};

struct sysfs_device {
        char path[PATH_MAX];            /* the device's directory: "/sys/devices/…" */
        char parent[SYSFS_NAME_SIZE];
        char type[SYSFS_NAME_SIZE];     /* empty while sysfs does not show it */
        enum device_state state;
        ino_t inode;                    /* the directory's; a later device with the same UUID has another one */
};

struct sysfs_parent {
        char path[PATH_MAX];            /* the parent's directory: "/sys/devices/…" */
        dev_t types_dev;                /* together with types_inode the identity of the registration: */
        ino_t types_inode;              /* a parent that goes and comes back has another one */
};
