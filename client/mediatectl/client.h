/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One run of mediatectl: its options, its connection to a daemon, and what it knows of that daemon's host. */

#include <systemd/sd-bus.h>

#include "client/mediatectl/lists.h"
#include "client/mediatectl/options.h"
#include "client/shared/status.h"
#include "common/bus-names.h"

struct client {
        const struct options *options;
        sd_bus *bus;                    /* NULL until client_connect() */
        struct lists lists;
        pid_t agent;                    /* polkit's agent, 0 if there is none */
};

/** client_connect() - connect to the bus, once. Returns a status. */
int client_connect(struct client *client);

/** client_is_local() - whether the daemon is this host's. */
bool client_is_local(const struct client *client);

/** client_new_call() - a call of a method of the manager. Returns 0 or a negative errno. */
int client_new_call(struct client *client, const char *member, sd_bus_message **ret);

/** client_call() - call a method of the manager that answers at once. Returns 0 or a negative errno, with @error
 * set. */
int client_call(struct client *client, sd_bus_message *call, sd_bus_error *error, sd_bus_message **ret);

/** client_start_agent() - start polkit's agent where it can help: the daemon is this host's, and the person did not
 * forbid it. */
void client_start_agent(struct client *client);

/** client_done() - end the agent and the connection. */
void client_done(struct client *client);
