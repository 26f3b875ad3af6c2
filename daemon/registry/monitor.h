/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The events of udev, as hints for the registry. */

#include <systemd/sd-device.h>

#include "common/macro.h"

struct monitor;
struct registry;

/** monitor_handler_t - an event that udevd has processed. */
typedef void (*monitor_handler_t)(sd_device *event, void *userdata);

struct monitor *monitor_free(struct monitor *monitor);
DEFINE_CLEANUP_FUNC(struct monitor *, monitor_free)

/** monitor_new() - listen to the events that udevd has processed. Each is given to @on_event too, unless that is NULL.
 * Returns 0 or a negative errno. */
int monitor_new(struct monitor **ret, sd_event *event, struct registry *registry, monitor_handler_t on_event,
                void *userdata);
