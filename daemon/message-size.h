/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How large a request is. The bus takes messages of 32 MiB from anybody; those that wait here must not add up to that. */

#include <systemd/sd-bus.h>

/* Four times what a definition may have. */
#define REQUEST_SIZE_MAX (256 * 1024)

/** message_is_larger() - whether the arguments have more than about @limit bytes; reads no further than that. Afterwards
 * @message is as if nothing had been read. Returns 0, 1, or a negative errno. */
int message_is_larger(sd_bus_message *message, size_t limit);
