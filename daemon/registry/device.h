/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A device as the kernel shows it, made by us or by anyone. */

#include "common/attribute.h"
#include "common/device.h"
#include "common/uuid.h"
#include "daemon/bus/export.h"

struct registry;

/* How long a device must look wedged before it is called so. Until then it may be in the course of a removal. */
#define DEVICE_WEDGED_USEC USEC_PER_SEC

struct device {
        struct registry *registry;
        struct export export;
        char uuid[UUID_TEXT_SIZE];
        char *parent;
        char *path;                     /* in sysfs */
        char *type;                     /* NULL until the kernel has made the link */
        ino_t inode;
        enum device_state state;
        bool defined;                   /* the store has a definition of it */
        struct attributes attributes;   /* those it got from us, for who defines it later */
        uint64_t complete_since;        /* CLOCK_MONOTONIC in µs; 0: for long, or by us */
        uint64_t limbo_since;           /* the time since which it looks wedged; 0: it does not */
        uint64_t transition_since;      /* the time since which it is looked at again and again */
        struct device *prev, *next;     /* in the list of devices that are looked at again and again */
        UT_hash_handle hh;
};

const char *device_state_to_string(enum device_state state);

/** device_find() - by normal UUID; NULL if the registry does not know it. */
struct device *device_find(struct registry *registry, const char *uuid);

/** device_refresh() - look at the kernel now and make the registry agree: the device appears, changes or goes. For a
 * UUID that the kernel or the store has named, or that a worker has given to the kernel. Returns it, or NULL when there
 * is none. */
struct device *device_refresh(struct registry *registry, const char *uuid);

/** device_look_for() - the same for a UUID that a caller has named: one that the registry does not know is compared
 * with those that the kernel lists, and not looked up. */
struct device *device_look_for(struct registry *registry, const char *uuid);

/** device_refresh_at() - the same for one that may only be found at @path, because its removal has begun. */
struct device *device_refresh_at(struct registry *registry, const char *uuid, const char *path);

/** device_confirm() - device_look_for() where no change is expected: an active device of which nobody has begun to
 * remove the directory is taken for what it was. */
struct device *device_confirm(struct registry *registry, const char *uuid);

/** device_created() - the kernel has just told our worker that it made a complete device: the registry takes its word,
 * and looks only whether it is still there, unless it has been seen going meanwhile. Returns it, or NULL when it is
 * not. */
struct device *device_created(struct registry *registry, const char *uuid, const char *parent, const char *type);

/** device_removed() - a worker has seen the directory go: the registry takes its word. */
void device_removed(struct registry *registry, const char *uuid, ino_t inode);

/** device_set_defined() - whether the store has a definition of its UUID on its parent. */
void device_set_defined(struct device *device, bool defined);

/** device_forget() - take it out of the registry, and tell nobody. */
void device_forget(struct device *device);

/** device_group() - the name of the device's IOMMU group, which is the name of its node in /dev/vfio. The registry need
 * not know the device yet. Returns 0 or a negative errno, -ENOENT when it has no group. */
int device_group(struct registry *registry, const char *uuid, char *ret, size_t size);

/** device_grace_usec() - how long the device must still be left alone, because somebody else has just made it; 0: no
 * longer. */
uint64_t device_grace_usec(const struct device *device);

/** device_is_in_transition() - neither active nor wedged: to be looked at again without any uevent. */
bool device_is_in_transition(const struct device *device);

/** device_set_removing() - whether a worker is removing the device: then it is looked at again and again too. */
void device_set_removing(struct device *device, bool removing);
