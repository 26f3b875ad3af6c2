/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.mediated1.Manager, and all objects put on the bus. */

struct manager;

/** manager_bus_attach() - register the objects. Returns 0 or a negative errno. */
int manager_bus_attach(struct manager *manager);
