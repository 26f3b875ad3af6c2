/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Device.GetAttributes: what a callout says of the running device, else what was written when it was created. */

#include <systemd/sd-bus.h>

struct device;
struct manager;

/** attributes_query_start() - ask, and reply to @message. Returns what an sd-bus method handler returns. */
int attributes_query_start(struct manager *manager, sd_bus_message *message, const struct device *device);

/** attributes_query_free_all() - forget all questions, without an answer: the daemon ends. Workers may still have some
 * of them. */
void attributes_query_free_all(struct manager *manager);
