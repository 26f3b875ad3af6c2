/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.mediated1.Manager, and all objects put on the bus. */

#include <systemd/sd-bus.h>

struct autostart;
struct manager;

/** manager_bus_attach() - register the objects. Returns 0 or a negative errno. */
int manager_bus_attach(struct manager *manager);

/** manager_of() - the manager, while a handler of any of these objects runs. */
struct manager *manager_of(sd_bus *bus);

/** autostart_of() - the manager's. */
struct autostart *autostart_of(sd_bus *bus);
