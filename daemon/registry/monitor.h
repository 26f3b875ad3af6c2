/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What udev says: hints for the registry, and for others that wait for an event of udev's. */

#include <systemd/sd-device.h>

#include "common/macro.h"

struct monitor;
struct registry;

typedef void (*monitor_handler_t)(sd_device *event, void *userdata);

struct monitor *monitor_free(struct monitor *monitor);
DEFINE_CLEANUP_FUNC(struct monitor *, monitor_free)

/** monitor_new() - start listening to what udevd has processed. @on_event, which may be NULL, is given each event after
 * the registry. Returns 0 or a negative errno. */
int monitor_new(struct monitor **ret, sd_event *event, struct registry *registry, monitor_handler_t on_event,
                void *userdata);
