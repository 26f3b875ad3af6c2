/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls that wait until the daemon has seen every file of the store that was written before they were made. */

#include <systemd/sd-bus.h>

#include "common/macro.h"

struct catch_up;
struct manager;

/** catch_up_free() - those that wait get no reply. Returns NULL. */
struct catch_up *catch_up_free(struct catch_up *catch_up);
DEFINE_CLEANUP_FUNC(struct catch_up *, catch_up_free)

/** catch_up_new() - Returns 0 or a negative errno. */
int catch_up_new(struct catch_up **ret, struct manager *manager);

/** catch_up() - for a handler, before it does anything else. Returns 0 when the daemon has looked at every file that
 * was written before @message was sent: the handler goes on. Returns 1 when it held the call: the handler is entered
 * once more later. Or a negative errno. */
int catch_up(struct catch_up *catch_up, sd_bus_message *message);

/** catch_up_store_looked() - the store has looked at all files of one list. */
void catch_up_store_looked(struct catch_up *catch_up);
