/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods of a device that a worker answers. GetAttributes gives the attributes that a callout tells of the running
 * device, or else those that were written when it was created. GetUsers gives the processes that have it open. */

#include <systemd/sd-bus.h>

struct device;
struct manager;

/** device_query_attributes(), device_query_users() - have a worker find out, and reply to @message. Both return what a
 * method handler of libsystemd returns. */
int device_query_attributes(struct manager *manager, sd_bus_message *message, const struct device *device);
int device_query_users(struct manager *manager, sd_bus_message *message, const struct device *device);

/** device_query_free_all() - forget all questions, without an answer: the daemon ends. Workers may still have some
 * of them. */
void device_query_free_all(struct manager *manager);
