/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A device that has mdev types: a registered parent. */

#include <sys/types.h>

#include "common/device.h"
#include "daemon/bus/export.h"
#include "daemon/registry/mdev-type.h"
#include "daemon/workers/worker.h"

struct registry;

struct parent {
        struct registry *registry;
        struct export export;
        char *name;
        char *path;                     /* in sysfs */
        char *physical;                 /* the device whose instances it shares: of its physical function, or itself */
        dev_t types_dev;                /* with the inode: the registration, see struct sysfs_parent */
        ino_t types_inode;
        struct mdev_types types;        /* as a worker read them last; empty before that */
        struct work read_work;
        bool reading;
        bool read_again;                /* something happened while a read was under way */
        sd_event_source *capacity_timer;
        sd_event_source *retry_timer;   /* reads again what somebody waits for */
        uint64_t retry_usec;
        struct parent *prev, *next;     /* in the registry's list of those that went while a worker had the read: freed
                                         * when that comes back */
        UT_hash_handle hh;
};

/** parent_find() - a registered parent by name, or NULL. */
struct parent *parent_find(struct registry *registry, const char *name);

/** parent_refresh() - look at the kernel now and make the registry agree. @name is one that the kernel has named.
 * Returns the parent, or NULL when there is none of that name. */
struct parent *parent_refresh(struct registry *registry, const char *name);

/** parent_look_for() - the same for a name that a caller has said: one that the registry does not know is compared with
 * those that the kernel lists, and not looked up. */
struct parent *parent_look_for(struct registry *registry, const char *name);

/** parent_has_type() - whether the kernel lists the type now. Its name, description and instances may come later. @type
 * may come from a caller. */
bool parent_has_type(const struct parent *parent, const char *type);

/** parent_read_types() - have a worker read the types again. */
void parent_read_types(struct parent *parent);

/** parent_read_again_later() - somebody waits for a type or an instance: read the types again after a time that grows
 * from call to call. */
void parent_read_again_later(struct parent *parent);

/** parent_capacity_changed() - a device came or went: soon read again what all parents of the same physical device
 * have left, because they share it. */
void parent_capacity_changed(struct registry *registry, const char *name);

/** parent_forget() - take it out of the registry, and tell nobody. No worker may have its task any more. */
void parent_forget(struct parent *parent);
