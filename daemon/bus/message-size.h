/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How large a message is. The bus takes messages of 32 MiB from anybody, and those that wait in the daemon must not add
 * up to many times that. */

#include <systemd/sd-bus.h>

/** message_size() - about how many bytes a message has: its arguments, and the names and the object path in its header.
 * Reads no more than @limit bytes of it. Afterwards @message is as if nothing had been read. Returns 0; -EFBIG if it
 * has more than @limit bytes; or a negative errno. */
int message_size(sd_bus_message *message, size_t limit, size_t *ret);
