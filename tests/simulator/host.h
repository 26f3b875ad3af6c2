/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The simulated host: what exists once, and the parts of /sys that are always there. */

#include "tests/simulator/changes.h"

typedef struct Host {
        sd_event *event;
        Tree *tree;
        Udev *udev;
        Notifier *notifier;
        Sysfs *sysfs;

        Node *devices;
        Node *class;
        Node *class_mdev_bus;
        Node *class_vfio;
        Node *class_vfio_dev;
        Node *bus_mdev;
        Node *bus_mdev_devices;
        Node *bus_mdev_drivers;
        Node *iommu_groups;
        Node *virtual_vfio;
        Node *dev_vfio;         /* what is bound to /dev/vfio */

        struct ApBus *ap;       /* NULL as long as there was no parent of vfio_ap */
        struct Parent *parents; /* by name; those that have gone, too */
        struct Mdev *mdevs;     /* by UUID: the kernel's global list */
        struct Group *groups;   /* by number */
        unsigned group_hint;    /* no smaller number is free */
        struct Group *vfio_devices; /* those groups that VFIO has registered, by the number of vfioN */
        unsigned vfio_hint;
        struct Card *cards;     /* by name */
        bool rebooting;         /* the cards */
} Host;

extern const NodeOps power_directory_ops;

int host_new(Host **ret, sd_event *event);
void changes_find_and_remove(Changes *changes, Node *dir, const char *name);
Node *changes_make_path(Changes *changes, Node *base, const char *path);
