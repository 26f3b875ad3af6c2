/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cards: PCI devices that can have virtual functions (SR-IOV).
 *
 * No function in here waits for a driver, or for a lock of the device. `sriov_numvfs` and `uevent` are not even read:
 * the kernel takes the lock of the device for that, and a write to sriov_numvfs that hangs holds it
 * (drivers/pci/iov.c). The links `virtfnN` show the virtual functions as well. */

#include <limits.h>

#include "common/macro.h"
#include "common/set.h"

#define CARD_DEVICES "sys/bus/pci/devices"

/* The size of a buffer for a name in sysfs. */
#define CARD_NAME_SIZE (NAME_MAX + 1)

struct card {
        char name[CARD_NAME_SIZE];      /* "0000:3d:00.0" */
        char driver[CARD_NAME_SIZE];    /* empty: no driver is bound */
        char pci_device[16];            /* vendor and device: "10de:26b9" */
        bool is_function;               /* whether it is a virtual function itself */
        unsigned int total;             /* how many virtual functions it can have; 0: none */
        unsigned int n_functions;       /* how many it has */
};

struct card_function {
        char name[CARD_NAME_SIZE];      /* "0000:3d:00.4" */
        char driver[CARD_NAME_SIZE];    /* empty: no driver is bound */
        bool has_types;                 /* whether it takes a vGPU type: it has nvidia/current_vgpu_type */
};

/** card_open() - open a PCI device's directory with O_PATH. Returns an fd or a negative errno, -ENOENT also for what is
 * no name. */
int card_open(const char *name);

/** card_is_function() - whether a PCI device is a virtual function. @device_fd is from card_open(). */
bool card_is_function(int device_fd);

/** card_read() - look at a PCI device. Returns 0 or a negative errno, -ENOENT when there is none. */
int card_read(const char *name, struct card *ret);

/** card_function_read() - look at the virtual function number @n, from 0 to one less than the card can have. Returns 0
 * or a negative errno, -ENOENT when the card does not have it. */
int card_function_read(const char *card, unsigned int n, struct card_function *ret);

/** card_for_set() - the card as the section [Match] of a set sees it. It borrows the texts of @card. */
struct set_card card_for_set(const struct card *card);

/** card_wanted() - how many virtual functions the card should have by a set, which may be NULL; 0: the set
 * does not say, or a program decides it. */
unsigned int card_wanted(const struct card *card, const struct set *set);
