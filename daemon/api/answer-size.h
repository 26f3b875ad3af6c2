/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The size of the answers that list everything. The bus disconnects a connection that sends a larger message than the
 * bus takes: 32 MiB with dbus-daemon (its max_message_size). So without a check any caller could end the daemon. */

#include <systemd/sd-bus.h>

struct manager;

#define ANSWER_SIZE_MAX (30 * 1024 * 1024)

/** answer_size_bound() - the most bytes that an answer to @message may have, found by looking at all objects; 0 for a
 * call that does not list everything. */
size_t answer_size_bound(const struct manager *manager, sd_bus_message *message);

/** answer_size_check() - refuse a call whose answer may have more than ANSWER_SIZE_MAX bytes. @userdata: the manager.
 * Returns 0; 1 when @message was answered with LimitsExceeded; or a negative errno. */
int answer_size_check(sd_bus_message *message, void *userdata);
