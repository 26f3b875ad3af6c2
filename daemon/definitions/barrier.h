/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A barrier passes when all inotify events have been read that were in the queue when it was raised. It is an event of
 * our own, which the kernel puts behind these. Watches of one event loop with the same priority have one queue. */

#include <systemd/sd-event.h>

#include "common/macro.h"

struct barrier *barrier_free(struct barrier *barrier);
DEFINE_CLEANUP_FUNC(struct barrier *, barrier_free)

/** barrier_new() - @on_passed is called once for each barrier_raise(). Returns 0 or a negative errno. */
int barrier_new(struct barrier **ret, sd_event *event, void (*on_passed)(void *userdata), void *userdata);

/** barrier_is_raised() - whether it has been raised, and has not passed. */
bool barrier_is_raised(const struct barrier *barrier);

/** barrier_raise() - only while it is not raised. Returns 0 or a negative errno. */
int barrier_raise(struct barrier *barrier);
