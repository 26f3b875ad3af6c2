/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeping parents and devices equal to what the kernel has.
 *
 * A hint, from a uevent or a directory, only puts a name on a list; the list is worked off in slices between other
 * events, one look at the kernel a name. So a storm of uevents about four devices costs four looks, and enumerating
 * ten thousand does not hold up a request. */

#include <stdbool.h>

struct manager;
struct registry;

struct registry *registry_free(struct registry *registry);

/** registry_new() - returns 0 or a negative errno. */
int registry_new(struct registry **ret, struct manager *manager);

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
