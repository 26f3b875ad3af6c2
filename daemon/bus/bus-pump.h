/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A connection to the bus as a part of the event loop. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/macro.h"

struct bus_pump;

struct bus_pump *bus_pump_free(struct bus_pump *pump);
DEFINE_CLEANUP_FUNC(struct bus_pump *, bus_pump_free)

/** bus_pump_new() - handle what comes, as sd_bus_attach_event() does, but keep the connection when memory is short.
 * Returns 0 or a negative errno. */
int bus_pump_new(struct bus_pump **ret, sd_bus *bus, sd_event *event, int64_t priority);
