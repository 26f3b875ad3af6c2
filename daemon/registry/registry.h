/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parents and devices, kept equal to what the kernel has.
 *
 * daemon/registry/ has a table of the registered parents (parent.h), with the types that each of them offers
 * (mdev-type.h), and a table of all mediated devices (device.h), whoever has made them. A struct registry owns both
 * tables and all that is in them. Objects on the bus announce their own changes. Everything else is told to one
 * observer, which decides in what order others hear of it. The folder knows nothing of jobs and definitions. It only
 * keeps a bit for the store: whether a device is defined.
 *
 * The kernel is the truth. A uevent (monitor.h), a name in a directory, and the report of a worker are only hints. A
 * hint puts a name on a list (worklist.h), and what counts is what the kernel shows when it is the name's turn. A look
 * reads links and directories of the driver core, which cannot block. What a driver has to say about its types is read
 * by a worker.
 *
 * The beginning of a removal has no uevent, and neither has the end of one that somebody else has begun. So a device
 * that is neither active nor wedged, or that a worker is removing, is looked at again and again.
 *
 * Where file descriptors or memory are short, nothing can be seen. What is known then stays, and everything is looked
 * at again a second later. */

#include <systemd/sd-event.h>

#include "common/macro.h"

struct backend;
struct device;
struct exports;
struct parent;
struct pool;
struct worklist;

/* What the registry tells others. A member that is NULL is not called. */
struct registry_observer {
        /* A parent is new, or was there when the daemon started. */
        void (*parent_here)(struct parent *parent, void *userdata);

        /* A parent is unregistered: parent_find() does not find it any more, and it is about to be freed. */
        void (*parent_gone)(const struct parent *parent, void *userdata);

        /* A worker has read the types of a parent, or could not. */
        void (*types_read)(struct parent *parent, void *userdata);

        /* A device is new, or in another state. */
        void (*device_changed)(struct device *device, void *userdata);

        /* A device is gone: device_find() does not find it any more, and it is about to be freed. */
        void (*device_gone)(const struct device *device, void *userdata);

        /* All names of one list have been looked at. */
        void (*looked)(void *userdata);
};

struct registry {
        const struct backend *const *backends;  /* the last one is NULL */
        sd_event *event;
        struct exports *exports;
        struct pool *pool;
        const struct registry_observer *observer;
        void *userdata;                 /* the argument of the observer's functions */
        struct parent *parents;         /* those that are registered, by name */
        struct parent *gone_parents;    /* those that are not, and whose types a worker is reading */
        struct device *devices;         /* by UUID */
        struct device *transitions;     /* the devices that are looked at again and again */
        bool settled;                   /* whether a device that is found may have been made just now */
        struct worklist *touched;       /* the names of devices and parents to look at */
        sd_event_source *transition_timer;
        sd_event_source *again_timer;   /* for registry_look_again() */
};

/** registry_free() - with all parents and devices, of which nobody is told. The pool must be gone. */
struct registry *registry_free(struct registry *registry);
DEFINE_CLEANUP_FUNC(struct registry *, registry_free)

/** registry_new() - without parents and devices. NULL is the last one of @backends. What is passed must outlive it, but
 * for the pool. Returns 0 or a negative errno. */
int registry_new(struct registry **ret, const struct backend *const *backends, sd_event *event, struct exports *exports,
                 struct pool *pool, const struct registry_observer *observer, void *userdata);

/** registry_touch_device(), registry_touch_parent() - look at it soon. @uuid must be normal. @path: where it has been
 * seen, or NULL. */
void registry_touch_device(struct registry *registry, const char *uuid, const char *path);
void registry_touch_parent(struct registry *registry, const char *name);

/** registry_enumerate() - look soon at everything that the kernel lists, and at everything that is known. Returns 0 or
 * a negative errno. */
int registry_enumerate(struct registry *registry);

/** registry_look_again() - look at everything a second later, because file descriptors or memory were short when
 * something was looked at. */
void registry_look_again(struct registry *registry);

/** registry_settle() - look now at everything that is on the list. A device that is found later counts as new. */
void registry_settle(struct registry *registry);

/** registry_watch_transitions() - a device has come to those that are looked at again and again: after a tenth of the
 * time that has passed since it came to them. */
void registry_watch_transitions(struct registry *registry);
