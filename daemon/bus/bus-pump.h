/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A connection to the bus as a part of the event loop.
 *
 * It does what sd_bus_attach_event() would do, with two differences. It keeps the connection when memory is short: then
 * it tries again a moment later. And its owner reads the messages, and may leave them in the socket for a while. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/macro.h"
#include "daemon/base/priorities.h"

struct bus_pump;

struct bus_pump_hooks {
        /* There may be something to read, to write, or to time out: calls sd_bus_process(). Returns 0 or a negative
         * errno. -ENOMEM: it is called again a moment later. Another error ends the daemon. */
        int (*process)(void *userdata);

        /* Whether the socket is watched for now. Optional. */
        bool (*may_read)(void *userdata);
};

struct bus_pump *bus_pump_free(struct bus_pump *pump);
DEFINE_CLEANUP_FUNC(struct bus_pump *, bus_pump_free)

/** bus_pump_new() - call @hooks for what happens on @bus. @description: a literal, for the log of libsystemd. Returns 0
 * or a negative errno. */
int bus_pump_new(struct bus_pump **ret, sd_bus *bus, sd_event *event, const char *description, enum priority priority,
                 const struct bus_pump_hooks *hooks, void *userdata);

/** bus_pump_process() - have hooks->process called now. */
void bus_pump_process(struct bus_pump *pump);
