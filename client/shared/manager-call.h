/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls of the methods of the daemon's manager. */

#include <systemd/sd-bus.h>

/** manager_call_new() - make a call with its first arguments, as sd_bus_message_append() takes them; with @types ""
 * there are none. Returns 0 or a negative errno. */
int manager_call_new(sd_bus *bus, sd_bus_message **ret, const char *member, const char *types, ...);
