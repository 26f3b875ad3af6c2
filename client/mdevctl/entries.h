/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices and definitions as mdevctl lists them. Devices come from the daemon, definitions from their files. A single
 * device is looked up in sysfs: that takes no longer when there are many. */

#include <systemd/sd-bus.h>

#include "client/mdevctl/store.h"
#include "common/sysfs.h"

/* A device, a definition, or both, with one UUID on one parent. */
struct mdevctl_entry {
        const char *uuid;
        const char *parent;
        const char *device_type;        /* the type of the active device; NULL: there is none */
        const struct mdevctl_stored *stored;    /* the file in the store; NULL: there is none */
        struct definition *definition;  /* the contents of the file; NULL: it is no definition */
        struct attributes attributes;   /* the attributes of a device without a file, if they are known */
};

/* Sorted by parent, then by UUID. Zero-initialized it is empty. */
struct mdevctl_entries {
        struct mdevctl_entry *items;
        size_t n;
        /* These three own the names and types: */
        struct mdevctl_store store;
        sd_bus_message *devices;        /* the answer of ListDevices */
        struct sysfs_device device;     /* the device that was looked up */
};

/** mdevctl_entries_find() - find all devices, or with @defined all definitions, of a parent (NULL: any) and a UUID
 * (NULL: any). With @definitions_only no daemon is needed, and entries have no devices. Returns EXIT_SUCCESS, or
 * EXIT_FAILURE after a message. */
int mdevctl_entries_find(struct mdevctl_entries *entries, const char *parent, const char *uuid, bool defined,
                         bool definitions_only);

void mdevctl_entries_clear(struct mdevctl_entries *entries);
