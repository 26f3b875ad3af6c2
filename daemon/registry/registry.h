/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeping parents and devices equal to what the kernel has.
 *
 * A hint, from a uevent or a directory, only puts a name on a list; the list is worked off in slices between other
 * events, one look at the kernel a name. So a storm of uevents about four devices costs four looks, and enumerating
 * ten thousand does not hold up a request. */

#include <systemd/sd-event.h>

#include "common/macro.h"

struct backend;
struct device;
struct exports;
struct parent;
struct pool;
struct worklist;

/* What the registry tells others. Each member may be NULL. */
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

        /* Everything that was to be looked at has been looked at. */
        void (*looked)(void *userdata);
};

struct registry {
        const struct backend *backend;
        sd_event *event;
        struct exports *exports;
        struct pool *pool;
        const struct registry_observer *observer;
        void *userdata;                 /* the observer's */
        struct parent *parents;         /* by name */
        struct parent *gone_parents;    /* while a worker reads the types of each */
        struct device *devices;         /* by UUID */
        struct device *transitions;     /* those that are looked at again and again */
        bool settled;                   /* what is found from now on is new */
        struct worklist *touched;       /* names of devices and parents to look at */
        sd_event_source *transition_timer;
        sd_event_source *again_timer;   /* looks at everything, see registry_look_again() */
};

/** registry_free() - the observer hears nothing of it. The pool must have forgotten its workers. */
struct registry *registry_free(struct registry *registry);
DEFINE_CLEANUP_FUNC(struct registry *, registry_free)

/** registry_new() - an empty one. Whatever is passed must outlive it. @observer is told of all changes. Returns 0 or a
 * negative errno. */
int registry_new(struct registry **ret, const struct backend *backend, sd_event *event, struct exports *exports,
                 struct pool *pool, const struct registry_observer *observer, void *userdata);

/** registry_touch_device(), registry_touch_parent() - look at it soon. @uuid must be normal. @path: where it has been
 * seen, or NULL. */
void registry_touch_device(struct registry *registry, const char *uuid, const char *path);
void registry_touch_parent(struct registry *registry, const char *name);

/** registry_enumerate() - look at everything soon: what the kernel lists, and what it may no longer. Returns 0 or a
 * negative errno. */
int registry_enumerate(struct registry *registry);

/** registry_look_again() - look at everything in a while, because fds or memory were short when something was looked
 * at. What is known stays until then. */
void registry_look_again(struct registry *registry);

/** registry_settle() - look at all that is on the list now. What is found later counts as new. */
void registry_settle(struct registry *registry);

/** registry_watch_transitions() - there is a device in transition. The end of one has no uevent, so it is looked at
 * again and again, ever less often. */
void registry_watch_transitions(struct registry *registry);
