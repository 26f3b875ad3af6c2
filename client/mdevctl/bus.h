/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls of the daemon's methods. */

#include <systemd/sd-bus.h>

#include "client/shared/manager-call.h"
#include "common/bus-names.h"
#include "common/failure.h"
#include "common/uuid.h"

#define _cleanup_bus_ _cleanup_(sd_bus_flush_close_unrefp)
#define _cleanup_message_ _cleanup_(sd_bus_message_unrefp)
#define _cleanup_failure_ _cleanup_(failure_clear)

/** mdevctl_bus_open() - connect to the system bus. Returns EXIT_SUCCESS, or EXIT_FAILURE after a message. */
int mdevctl_bus_open(sd_bus **ret);

/** mdevctl_bus_open_for() - connect to the system bus to change @uuid, or with "" a new UUID. A callout may not change
 * the device for which it is called: its request would wait for the job, and the job waits for the callout. */
int mdevctl_bus_open_for(const char *uuid, sd_bus **ret);

/* How many calls may be without an answer. The daemon takes 100 unfinished requests from one connection. */
#define MDEVCTL_PENDING_MAX 64

/** mdevctl_bus_wait() - wait until fewer than @limit calls have no answer. *@n_pending is their number, which the
 * callbacks of the answers reduce. Returns 0 or a negative errno. */
int mdevctl_bus_wait(sd_bus *bus, const size_t *n_pending, size_t limit);

/** mdevctl_bus_call() - send a call and wait for the answer, without a timeout: jobs have deadlines in the daemon. @ret
 * may be NULL. Returns 0, or -1 with @failure set. */
int mdevctl_bus_call(sd_bus *bus, sd_bus_message *call, struct failure *failure, sd_bus_message **ret);
