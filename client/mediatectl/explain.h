/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Errors of the daemon in the words of the command line: with the names that there are, and with mediatectl's options
 * and verbs in place of the bus's. */

#include "client/mediatectl/client.h"

/** explain_error() - say what has failed. @call is the message that was sent, and @error its answer. The caller frees
 * the text. Returns 0 or -ENOMEM. */
int explain_error(struct client *client, sd_bus_message *call, const sd_bus_error *error, char **ret);
