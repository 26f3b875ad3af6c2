/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The size of the answers that tell of everything. The bus disconnects who sends a message larger than it takes: 32 MiB
 * with dbus-daemon (its max_message_size), so that whoever asks could end the daemon. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

struct manager;

#define ANSWER_SIZE_MAX (30 * 1024 * 1024)

/** answer_may_be_too_large() - whether what a call asks for may be more than ANSWER_SIZE_MAX bytes. An estimate that is
 * never too low; it costs a look at all objects. */
bool answer_may_be_too_large(const struct manager *manager, sd_bus_message *message);
