/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* polkit's agent for terminals. It asks for the password where no desktop does. */

#include <sys/types.h>

/** agent_start() - start the agent, unless *@pid is one already, and wait until polkit knows it. Root needs none, and
 * without a terminal there is nobody to ask. A failure is silent: without an agent polkit refuses the request, and that
 * is reported. */
void agent_start(pid_t *pid);

/** agent_stop() - end the agent, if there is one; *@pid becomes 0. */
void agent_stop(pid_t *pid);
