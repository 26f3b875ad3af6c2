/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The methods that only read. Everybody may call them, they change nothing, and a call can be postponed or dropped
 * without harm. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

/** call_is_reader() - whether @message calls such a method. An unknown method counts as one that changes something. */
bool call_is_reader(sd_bus_message *message);
