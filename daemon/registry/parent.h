/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A parent: a device whose driver has registered types of mediated devices. */

#include <sys/types.h>

#include "common/device.h"
#include "daemon/bus/export.h"
#include "daemon/registry/mdev-type.h"
#include "daemon/workers/worker.h"

struct backend;
struct registry;

struct parent {
        struct registry *registry;
        const struct backend *backend;  /* its kind */
        void *kept;                     /* what the back end keeps of it, or NULL */
        struct export export;
        char *name;
        char *path;                     /* its directory in sysfs */
        char *card;                     /* the device that has its instances: its physical function, or itself */
        dev_t types_dev;                /* with types_inode the identity of the registration, see struct sysfs_parent */
        ino_t types_inode;
        bool set_aside;                 /* whether it is left out when a parent of its card is chosen */
        struct mdev_types types;        /* as a worker has read them last; none before that */
        struct work read_work;          /* that of reading the types */
        uint64_t read_at;               /* when reading them began; 0: it failed, or they may have changed since */
        bool speaks;                    /* whether this read is done for all parents of the card */
        bool changing;                  /* whether a worker makes or removes a device of it */
        bool changed;                   /* whether one has done so since read_work began */
        bool reading;                   /* whether read_work is under way */
        bool read_again;                /* whether the types are to be read once more after that */
        sd_event_source *capacity_timer;        /* reads the types after a device has come or gone */
        sd_event_source *retry_timer;   /* reads the types for somebody who waits for them */
        uint64_t retry_usec;            /* how long retry_timer takes the next time */
        struct parent *prev, *next;     /* in the list of parents that went while a worker had read_work: such a parent
                                         * is freed when the worker is back */
        UT_hash_handle hh;              /* in the registry, by name, while it is registered */
};

/** parent_find() - the registered parent of that name, as it was seen last, or NULL. */
struct parent *parent_find(struct registry *registry, const char *name);

/** parent_refresh() - look at the kernel now: the parent may appear or go by that. Its types are read again. @name is
 * one that the kernel has named. Returns the parent, or NULL when there is none. */
struct parent *parent_refresh(struct registry *registry, const char *name);

/** parent_look_for() - the same for a name that a caller has given. One that is not known is not looked up by name, but
 * compared with those that the kernel lists. */
struct parent *parent_look_for(struct registry *registry, const char *name);

/** parent_has_type() - whether the kernel lists the type now. Its name, description and instances may come later. @type
 * may come from a caller. */
bool parent_has_type(const struct parent *parent, const char *type);

/** parent_may_have_type() - whether parent_has_type(), or nobody knows: the daemon cannot see the types itself, and no
 * worker has found any so far. */
bool parent_may_have_type(const struct parent *parent, const char *type);

/** parent_read_types() - have a worker read the types again. */
void parent_read_types(struct parent *parent);

/** parent_refresh_types() - the same, unless what is known was read just now. */
void parent_refresh_types(struct parent *parent);

/** parent_refresh_all_types() - the same for all parents. Of a card whose back end has fresh_usec only one parent is
 * read, and the others only if it has other types than before. */
void parent_refresh_all_types(struct registry *registry);

/** parent_read_again_later() - somebody waits for a type or an instance: read the types after a while, which grows from
 * call to call. */
void parent_read_again_later(struct parent *parent);

/** parent_capacity_changed() - a device of the parent of that name has come or gone: soon read the types of all parents
 * that share instances with it. */
void parent_capacity_changed(struct registry *registry, const char *name);

/** parent_begin_change() - a worker is about to make or remove (@removes) a device of the parent of that name. */
void parent_begin_change(struct registry *registry, const char *name, bool removes);

/** parent_end_change() - it has done so. @report is NULL if the worker was lost. */
void parent_end_change(struct registry *registry, const char *name, const struct report *report);

/** parent_set_aside() - leave it out from now on when a parent of its card is chosen; or do not any more. Returns 0 or
 * a negative errno. */
int parent_set_aside(struct parent *parent, bool set_aside);

/** parent_forget() - free the parent, of which nobody is told. No worker may have its read_work. */
void parent_forget(struct parent *parent);
