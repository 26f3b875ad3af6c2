/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ListTypes. The answer has values that are read after the call, or the last known ones where a driver needs more than
 * a second. */

#include <systemd/sd-bus.h>

struct manager;

/** types_query_start() - read the types of @parent, or of all parents if that is empty, and reply to @message. The
 * parent must exist. Returns 0 or a negative errno. */
int types_query_start(struct manager *manager, sd_bus_message *message, const char *parent);

/** types_query_check() - the types of a parent were read, or a parent has gone: reply to the calls that waited for no
 * other one. */
void types_query_check(struct manager *manager);

/** types_query_free_all() - free all calls that wait, without an answer. */
void types_query_free_all(struct manager *manager);
