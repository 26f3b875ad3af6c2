/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A bus that is a pair of sockets: calls of all connections come in at one end, and say themselves whose they are. */

#include <systemd/sd-bus.h>

/** fake_bus_connect() - connect @bus, which was not started yet, to an end from which callers send. */
void fake_bus_connect(sd_bus *bus, sd_bus **ret_callers);

/** fake_bus_new_call() - a call from the connection @sender, without arguments. */
sd_bus_message *fake_bus_new_call(sd_bus *callers, const char *sender, const char *path, const char *interface,
                                  const char *member);

/** fake_bus_send() - send the call, and drop the reference to it. */
void fake_bus_send(sd_bus *callers, sd_bus_message *call);
