/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices and definitions as mdevctl lists them. Devices come from the daemon, definitions from their files. The device
 * of one UUID is looked up in sysfs, which costs the same however many there are. */

#include <systemd/sd-bus.h>

#include "client/mdevctl/store.h"
#include "common/sysfs.h"

/* A UUID on a parent. */
struct mdevctl_entry {
        const char *uuid;
        const char *parent;
        const char *device_type;        /* NULL: there is no active device */
        const struct mdevctl_stored *stored;    /* its file in the store; NULL: there is none */
        struct definition *definition;  /* what the file says; NULL: it is no definition */
        struct attributes attributes;   /* of a device without a file, if they are known */
};

/* Sorted by parent, then by UUID. Zero-initialized it is empty. */
struct mdevctl_entries {
        struct mdevctl_entry *items;
        size_t n;
        size_t allocated;
        /* The owners of names and types: */
        struct mdevctl_store store;
        sd_bus_message *devices;        /* ListDevices' answer */
        struct sysfs_device device;     /* the one that was looked up */
};

/** mdevctl_entries_find() - the devices (@defined: the definitions) of a parent (NULL: any) and a UUID (NULL: any).
 * @definitions_only: nothing is asked about devices, so that no daemon is needed. Returns EXIT_SUCCESS, or EXIT_FAILURE
 * having said why. */
int mdevctl_entries_find(struct mdevctl_entries *entries, const char *parent, const char *uuid, bool defined,
                         bool definitions_only);

void mdevctl_entries_clear(struct mdevctl_entries *entries);
