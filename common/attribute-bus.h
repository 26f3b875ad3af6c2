/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Attributes on D-Bus: an a(ss) of names and values. */

#include <systemd/sd-bus.h>

#include "common/attribute.h"

/** attributes_append_to_message() - returns 0 or a negative errno. */
int attributes_append_to_message(sd_bus_message *message, const struct attributes *attributes);

/** attributes_read_from_message() - append to @ret what comes next in the message. Returns 0, -E2BIG beyond
 * ATTRIBUTES_MAX, or another negative errno. */
int attributes_read_from_message(sd_bus_message *message, struct attributes *ret);
