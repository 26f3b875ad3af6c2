/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which methods only read. They are free to all, change nothing, and can be postponed or dropped without harm. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

/** call_is_reader() - whether a method call only reads. A method that is not known here counts as one that changes
 * something. */
bool call_is_reader(sd_bus_message *message);
