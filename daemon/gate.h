/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The gate: a request that may change something reaches its handler only when it is known whose connection asks.
 *
 * What is no reader by name is taken to change something, so that a new method is behind the gate unless somebody says
 * that it need not be. Requests of one connection pass in their order. Only its first one has to wait for the bus. Readers
 * pass at once, unless the bus would not take the answer. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

struct client;
struct manager;

/** gate_attach() - from now on messages pass the gate. Returns 0 or a negative errno. */
int gate_attach(struct manager *manager);

/** gate_is_reader() - whether a call only asks, and so is free to all. */
bool gate_is_reader(sd_bus_message *message);

/** gate_open() - the connection is identified: what is held for it goes on. */
void gate_open(struct client *client);

/** gate_drop() - forget what is held for it. */
void gate_drop(struct client *client);
