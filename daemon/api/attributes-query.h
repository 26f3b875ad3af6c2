/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Device.GetAttributes. The attributes are those that a callout gives for the running device, or else those that were
 * written when it was created. */

#include <systemd/sd-bus.h>

struct device;
struct manager;

/** attributes_query_start() - have a worker ask the callouts, and reply to @message. Returns what a method handler of
 * libsystemd returns. */
int attributes_query_start(struct manager *manager, sd_bus_message *message, const struct device *device);

/** attributes_query_free_all() - forget all questions, without an answer: the daemon ends. Workers may still have some
 * of them. */
void attributes_query_free_all(struct manager *manager);
