/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* client/mediatectl is the client for people: one verb, its options and its arguments make one run.
 *
 * main.c reads the options (options.h), finds the verb (verbs.h) and runs it. The verbs are in verb-*.c, and stand on
 *
 * client.h    this: one run, with its options, its connection, and what the daemon has listed so far
 * lists.h     the daemon's lists, each of which is fetched when it is needed for the first time
 * resolve.h   UUIDs and parents as a person writes them; place.h whether this host has a parent and its type
 * calls.h     many calls at once, with a progress line; request.h makes them of options and arguments
 * waiting.h   what a call waits for; dry-run.h what would be called
 * explain.h   the errors of calls in the words of the command line
 * entries.h   devices and definitions side by side; facts.h everything about some of them, for `show`
 * users.h     the processes that use a device
 * keys.h      the keys of JSON, which are the same in all verbs
 * events.h    the daemon's signals, for `monitor`; event-filter.h which of them it shows
 * notes.h     what was done, but takes effect later
 * findings.h  what is wrong on a host, for `check`
 *
 * A run owns all that it has fetched: the texts in lists and entries are parts of the daemon's answers, and live until
 * the run ends. Nothing is kept for the next run.
 *
 * A verb returns a status, see client/shared/status.h. What goes wrong is printed where it is found, once. mdevctl's
 * personality is another program in the same binary. The two folders know nothing of each other. */

#include <systemd/sd-bus.h>

#include "client/mediatectl/lists.h"
#include "client/mediatectl/options.h"
#include "client/shared/status.h"
#include "common/bus-names.h"

struct client {
        const struct options *options;
        sd_bus *bus;                    /* NULL until client_connect() */
        struct lists lists;
        bool users_unknown;             /* whether the daemon was asked for users of a device, and did not say */
        pid_t agent;                    /* polkit's agent; 0: there is none */
};

/** client_connect() - connect to the bus, unless that is done. Returns a status. */
int client_connect(struct client *client);

/** client_is_local() - whether the daemon of this host is meant, not that of --host or --machine. */
bool client_is_local(const struct client *client);

/** client_start_agent() - start polkit's agent where it can help: the daemon is this host's, and the person did not
 * forbid it. */
void client_start_agent(struct client *client);

/** client_done() - end the agent and the connection. */
void client_done(struct client *client);
