/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The option `settle`: a reply that waits until udev has processed the new device and its VFIO node. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-device.h>

struct jobs;
struct settle;

/** settle_new() - begin to watch the uevents of @uuid. Those that are older than this call do not count, so it comes
 * before the device is created. Returns 0 or -ENOMEM. */
int settle_new(struct settle **ret, struct jobs *jobs, const char *uuid);

/** settle_free() - stop watching. A reply that waits is not sent. Takes NULL too. */
struct settle *settle_free(struct settle *settle);

/** settle_hand_over() - the device is there: send @reply, which is sealed, when udev has processed it, or after 3 s.
 * Takes @settle, and a reference to @reply. Returns false and frees @settle if there is nothing to wait for. */
bool settle_hand_over(struct settle *settle, sd_bus_message *reply);

/** settle_on_uevent() - udev has processed an event. */
void settle_on_uevent(struct jobs *jobs, sd_device *event);

/** settle_finish_all() - send all replies that wait. */
void settle_finish_all(struct jobs *jobs);
