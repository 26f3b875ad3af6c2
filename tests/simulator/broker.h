/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* dbus-broker as the system bus, without the systemd and the journal that its launcher expects. */

#include "common/macro.h"

#define BROKER_PROGRAM "dbus-broker-launch"

/** broker_exec() - become the launcher. Writes a line to @ready_fd once clients can connect, and what the bus logs to
 * @log_fd. Returns when it failed only, with a negative errno. */
int broker_exec(int ready_fd, int log_fd);
