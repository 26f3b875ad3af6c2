/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a call waits for, for the progress line. */

#include "client/mediatectl/calls.h"

/** waiting_text() - say what a call waits for, as far as this program can see: the process that uses the device, of
 * which it asks the daemon, the driver, or an instance. Returns the text in @buffer, or @otherwise. */
const char *waiting_text(struct client *client, const struct call *call, const char *otherwise, char *buffer,
                         size_t size);
