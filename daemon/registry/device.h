/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A mediated device as the kernel shows it, whoever has made it. */

#include "common/attribute.h"
#include "common/device.h"
#include "common/failure.h"
#include "common/uuid.h"
#include "daemon/bus/export.h"

struct backend;
struct registry;

/* How long a device must look wedged before it is called so. Until then it may be in the course of a removal. */
#define DEVICE_WEDGED_USEC USEC_PER_SEC

struct device {
        struct registry *registry;
        const struct backend *backend;  /* its kind */
        struct export export;
        char uuid[UUID_TEXT_SIZE];      /* normal */
        char *parent;                   /* its name */
        char *path;                     /* the directory in sysfs */
        char *vfio_name;                /* see device_vfio_name(); NULL until somebody has asked */
        char *group_name;               /* see device_group_name(); NULL until somebody has asked */
        char *type;                     /* its id; NULL until the kernel shows it */
        ino_t inode;                    /* of the directory; a later device of the UUID has another one */
        enum device_state state;
        bool defined;                   /* whether the store has a definition of the UUID on the parent */
        struct failure error;           /* why the last attempt to remove or change it failed; FAILURE_NONE: none has */
        struct attributes attributes;   /* those that a worker has written, for a later Define */
        uint64_t complete_since;        /* when it became active, CLOCK_MONOTONIC in µs; 0: long ago, or we made it */
        uint64_t limbo_since;           /* since when it looks wedged; 0: it does not */
        uint64_t transition_since;      /* since when it is looked at again and again */
        struct device *prev, *next;     /* in the list of devices that are looked at again and again */
        UT_hash_handle hh;              /* in the registry, by UUID */
};

const char *device_state_to_string(enum device_state state);

/** device_find() - the device of a normal UUID, as it was seen last, or NULL. */
struct device *device_find(struct registry *registry, const char *uuid);

/** device_refresh() - look at the kernel now: the device may appear, change or go by that. @uuid is one that the kernel
 * or the store has named, or that a worker has given to the kernel. Returns the device, or NULL when there is none. */
struct device *device_refresh(struct registry *registry, const char *uuid);

/** device_refresh_at() - the same, when the link to the device may be gone because its removal has begun. @path: where
 * its directory was seen, or NULL. */
struct device *device_refresh_at(struct registry *registry, const char *uuid, const char *path);

/** device_look_for() - the same for a UUID that a caller has named. One that is not known is not looked up by name, but
 * compared with those that the kernel lists. */
struct device *device_look_for(struct registry *registry, const char *uuid);

/** device_confirm() - the same where no change is expected: if an active device still has its directory, and no removal
 * has begun, nothing else is looked at. */
struct device *device_confirm(struct registry *registry, const char *uuid);

/** device_created() - the kernel has just told a worker that it made a complete device. That is believed, unless the
 * device has been seen going meanwhile. Returns the device, or NULL when it is gone. */
struct device *device_created(struct registry *registry, const char *uuid, const char *parent, const char *type);

/** device_check_created() - look at a device that was passed to device_created(), when its creator has been answered
 * and before any other event is handled. */
void device_check_created(struct registry *registry, const char *uuid);

/** device_removed() - a worker has seen that the directory is gone. That is believed. */
void device_removed(struct registry *registry, const char *uuid, ino_t inode);

/** device_set_defined() - for the store: whether it has a definition of the device. */
void device_set_defined(struct device *device, bool defined);

/** device_set_error() - an attempt to remove or to change it has failed, or NULL: has not. */
void device_set_error(struct device *device, const struct failure *error);

/** device_set_removing() - whether a worker is removing the device, whose end has no uevent if the worker dies. */
void device_set_removing(struct device *device, bool removing);

/** device_forget() - free the device, of which nobody is told. */
void device_forget(struct device *device);

/** device_group() - the name of the device's IOMMU group, which is the name of its node in /dev/vfio. The registry need
 * not know the device yet. Returns 0 or a negative errno, -ENOENT when it has no group. */
int device_group(struct registry *registry, const char *uuid, char *ret, size_t size);

/** device_vfio_name() - the name of the device's own VFIO character device, such as "vfio0", whose node is in
 * /dev/vfio/devices; "" if it has none. Kernels before 6.6 have none, and so have those built without it. */
const char *device_vfio_name(struct device *device);

/** device_group_name() - what device_group() finds, for answers: "" if there is none. */
const char *device_group_name(struct device *device);

/** device_grace_usec() - how long the device must still be left alone, because somebody else has just made it; 0: no
 * longer. */
uint64_t device_grace_usec(const struct device *device);

/** device_explain_wedged() - what has happened to a device that is DEVICE_WEDGED, and what to do. The text is valid
 * until the next call. */
const char *device_explain_wedged(const struct device *device);

/** device_is_in_transition() - whether it is neither active nor wedged. */
bool device_is_in_transition(const struct device *device);
