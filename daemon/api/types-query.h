/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ListTypes: answers with values read just now, or after a second with the last ones. */

#include <systemd/sd-bus.h>

struct manager;

/** types_query_start() - read the types of @parent, of all parents where it is empty, and reply to @message. The parent
 * must exist. Returns 0 or a negative errno. */
int types_query_start(struct manager *manager, sd_bus_message *message, const char *parent);

/** types_query_check() - a read came back, or a parent went: reply to who waited for it. */
void types_query_check(struct manager *manager);

/** types_query_free_all() - forget who waits. */
void types_query_free_all(struct manager *manager);
