/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeping parents and devices equal to what the kernel has.
 *
 * A hint, from a uevent or a directory, only puts a name on a list; the list is worked off in slices between other
 * events, one look at the kernel a name. So a storm of uevents about four devices costs four looks, and enumerating
 * ten thousand does not hold up a request. */

#include <stdbool.h>
#include <systemd/sd-event.h>

struct device;
struct manager;
struct parent;
struct registry;
struct touched;

/* What the registry tells others. Each member may be NULL. */
struct registry_observer {
        /* A parent is new, or was there when the daemon started. */
        void (*parent_here)(struct parent *parent, void *userdata);

        /* A parent is unregistered: parent_find() does not find it any more, and it is about to be freed. */
        void (*parent_gone)(const struct parent *parent, void *userdata);

        /* A worker has read the types of a parent, or could not. */
        void (*types_read)(struct parent *parent, void *userdata);

        /* A device is new, or in another state, or gone: then device_find() does not find it any more, and it is about
         * to be freed. */
        void (*device_changed)(const struct device *device, void *userdata);

        /* Everything that was to be looked at has been looked at. */
        void (*looked)(void *userdata);
};

struct registry {
        struct manager *manager;
        const struct registry_observer *observer;
        void *userdata;                 /* the observer's */
        struct touched *touched;
        sd_event_source *look_source;
        sd_event_source *transition_source;
        sd_event_source *again_source;
};

struct registry *registry_free(struct registry *registry);

/** registry_new() - @observer is told of all changes from now on. Returns 0 or a negative errno. */
int registry_new(struct registry **ret, struct manager *manager, const struct registry_observer *observer,
                 void *userdata);

/** registry_touch_device(), registry_touch_parent() - look at it soon. @uuid must be normal. */
void registry_touch_device(struct registry *registry, const char *uuid);
void registry_touch_parent(struct registry *registry, const char *name);

/** registry_enumerate() - look at everything soon: what the kernel lists, and what it may no longer. Returns 0 or a
 * negative errno. */
int registry_enumerate(struct registry *registry);

/** registry_look_again() - look at everything in a while, because fds or memory were short when something was looked
 * at. What is known stays until then. */
void registry_look_again(struct registry *registry);

/** registry_settle() - look at all that is on the list now. */
void registry_settle(struct registry *registry);

/** registry_watch_transitions() - there is a device in transition. The end of one has no uevent, so it is looked at
 * again and again, ever less often. */
void registry_watch_transitions(struct manager *manager);
