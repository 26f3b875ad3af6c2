/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The active devices. All of them come from the daemon; a single one is looked up in sysfs, which costs the same
 * however many there are. */

#include "client/mdevctl-bus.h"

struct mdevctl_device {
        char uuid[UUID_TEXT_SIZE];
        const char *parent;
        const char *type;
};

/* Sorted by parent, then by UUID. Zero-initialized it is empty. */
struct mdevctl_devices {
        struct mdevctl_device *items;
        size_t n;
        size_t allocated;
        sd_bus_message *reply;          /* the texts of the items are in one of these */
        struct sysfs_device *single;
};

/** mdevctl_devices_find() - the devices that a parent (NULL: any) and a UUID (NULL: any) have, if they are
 * complete. Returns EXIT_SUCCESS, or EXIT_FAILURE having said why. */
int mdevctl_devices_find(struct mdevctl_devices *devices, const char *parent, const char *uuid);

/** mdevctl_devices_get() - one of them, or NULL. */
const struct mdevctl_device *mdevctl_devices_get(const struct mdevctl_devices *devices, const char *parent,
                                                 const char *uuid);

void mdevctl_devices_clear(struct mdevctl_devices *devices);
#define _cleanup_devices_ _cleanup_(mdevctl_devices_clear)
