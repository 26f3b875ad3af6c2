/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.mediated1.Manager, and the tables of all objects. */

#include <systemd/sd-bus.h>

struct autostart;
struct manager;

/** manager_bus_attach() - have libsystemd find the methods and properties of all objects. Returns 0 or a negative
 * errno. */
int manager_bus_attach(struct manager *manager);

/** manager_of() - the manager, while a handler of any of these objects runs. */
struct manager *manager_of(sd_bus *bus);

/** autostart_of() - the autostart of that manager. */
struct autostart *autostart_of(sd_bus *bus);
