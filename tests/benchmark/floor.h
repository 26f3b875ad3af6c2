/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The least a D-Bus service can do: the floor that the daemon is measured against. */

#include <systemd/sd-bus.h>

#include "common/macro.h"

#define FLOOR_NAME "org.mediated1.Benchmark"

/** write_file() - what it is all about: open, write, close. Returns 0 or a negative errno. */
int write_file(const char *path, const char *text);

/** floor_main() - be the service, until killed. Prints a line when it can be called. */
int floor_main(void);

/** floor_new_write() - a call of the service's method, which does write_file(). Returns 0 or a negative errno. */
int floor_new_write(sd_bus *bus, sd_bus_message **ret, const char *path, const char *text);

/** floor_start() - start the service as a process of its own, which ends with this one, and wait until it can be
 * called; the bus gets a policy for its name meanwhile. floor_stop() ends it and takes the policy away. */
int floor_start(sd_bus *bus, pid_t *ret);
void floor_stop(sd_bus *bus, pid_t pid);
