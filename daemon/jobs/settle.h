/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Option `settle`: a reply that waits until udev has processed the new device and its VFIO node. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-device.h>

struct jobs;
struct settle;

/** settle_new() - start watching for what udev says of @uuid; called before the device is created, so that only later
 * events count. Returns 0 or a negative errno. */
int settle_new(struct settle **ret, struct jobs *jobs, const char *uuid);

/** settle_free() - forget it, an unsent reply too. NULL is fine. */
struct settle *settle_free(struct settle *settle);

/** settle_hand_over() - the device is there: send @reply, which is sealed, when udev is done, at the latest after
 * 3 s. Takes the settle over and references the reply. Returns false, and frees the settle, when udev is done
 * already. */
bool settle_hand_over(struct settle *settle, sd_bus_message *reply);

/** settle_on_uevent() - an event that udevd has processed. */
void settle_on_uevent(struct jobs *jobs, sd_device *event);

/** settle_finish_all() - send all replies that wait, now. */
void settle_finish_all(struct jobs *jobs);
