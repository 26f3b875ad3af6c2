/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tells when inotify has been heard out: an event of our own making stands in the queue behind all that had happened
 * before. It works for watches of the same event loop and the same priority, which have one queue. */

#include <systemd/sd-event.h>

#include "common/macro.h"

struct barrier *barrier_free(struct barrier *barrier);
DEFINE_CLEANUP_FUNC(struct barrier *, barrier_free)

/** barrier_new() - @on_passed is called once for each barrier_raise(). Returns 0 or a negative errno. */
int barrier_new(struct barrier **ret, sd_event *event, void (*on_passed)(void *userdata), void *userdata);

/** barrier_is_raised() - one raised now would only be raised when that has been passed. */
bool barrier_is_raised(const struct barrier *barrier);

/** barrier_raise() - not while another is raised. Returns 0 or a negative errno. */
int barrier_raise(struct barrier *barrier);
