/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* polkit's agent for terminals, which asks for the password where no desktop does. */

#include "client/mediatectl/client.h"

/** agent_start() - start it, once, where it can be of use: on a terminal, not for root, for this host's daemon.
 * Without it the request is just refused, so that a failure is not told. */
void agent_start(struct client *client);

/** agent_stop() - end it, if it runs. */
void agent_stop(pid_t *pid);
