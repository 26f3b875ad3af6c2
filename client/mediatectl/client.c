/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One run of mediatectl. */

#include "client/mediatectl/client.h"

#include <errno.h>

#include "client/output/tell.h"
#include "client/shared/agent.h"

bool client_is_local(const struct client *client) {
        return !client->options->host && !client->options->machine;
}

static int open_bus(const struct options *options, sd_bus **ret) {
        const char *name;
        int r;

        if (!options->host && !options->machine)
                return sd_bus_open_system(ret);

        r = options->host ? sd_bus_open_system_remote(ret, options->host)
                          : sd_bus_open_system_machine(ret, options->machine);
        /* This waits for an answer of the bus. That ssh has failed is not known before. */
        return r < 0 ? r : sd_bus_get_unique_name(*ret, &name);
}

int client_connect(struct client *client) {
        const char *where = client->options->host ? client->options->host : client->options->machine;
        int r;

        if (client->bus)
                return 0;

        r = open_bus(client->options, &client->bus);
        if (r == -EINVAL && where)
                return tell_usage("'%s' is not a name of a %s", where, client->options->host ? "host" : "container");
        if (r == -EHOSTDOWN && client->options->machine)
                return tell_status(STATUS_FAILED, "There is no container '%s' on this host", where);
        if (r < 0 && client->options->host)
                return tell_status(
                        STATUS_FAILED,
                        "Cannot reach the system bus of %s: 'ssh %s systemd-stdio-bridge' has to work (%s)", where,
                        where, strerror(-r));
        if (r < 0)
                return tell_status(STATUS_FAILED, "Cannot connect to the system bus%s%s: %s", where ? " of " : "",
                                   where ? where : "", strerror(-r));

        if (option_given(client->options, OPTION_NO_ASK_PASSWORD))
                return 0;
        return sd_bus_set_allow_interactive_authorization(client->bus, true);
}

void client_start_agent(struct client *client) {
        if (client_is_local(client) && !option_given(client->options, OPTION_NO_ASK_PASSWORD))
                agent_start(&client->agent);
}

void client_done(struct client *client) {
        agent_stop(&client->agent);
        client->bus = sd_bus_flush_close_unref(client->bus);
}
