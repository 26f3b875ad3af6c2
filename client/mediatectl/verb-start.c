/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl start and stop. */

#include <errno.h>
#include <systemd/sd-daemon.h>

#include "client/mediatectl/dry-run.h"
#include "client/mediatectl/request.h"
#include "client/mediatectl/verbs.h"
#include "client/output/tell.h"
#include "client/output/terminal.h"
#include "client/shared/manager-call.h"

static int add_start(struct calls *calls, const struct target *target) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = manager_call_new(calls->client->bus, &message, "StartDevice", "ss", target->uuid, target->parent);
        return r < 0 ? r : request_add(calls, TAKE_PTR(message), target->uuid);
}

/* When this is the ExecStart= of a unit, `systemctl status` shows the reason. */
static void notify_failure(const struct calls *calls) {
        for (size_t i = 0; i < calls->n; i++) {
                const sd_bus_error *error = call_error(&calls->items[i]);

                if (error) {
                        sd_notifyf(false, "STATUS=%s", error_text(error));
                        return;
                }
        }
}

int verb_start(struct client *client, char **arguments, size_t n) {
        _cleanup_targets_ struct targets targets = {};
        _cleanup_calls_ struct calls calls = { .client = client };
        int r;

        r = client_connect(client);
        if (r == 0)
                r = targets_definitions(client, arguments, n, true, &targets);
        if (r == 0 && option_given(client->options, OPTION_DRY_RUN))
                return dry_run_definitions(client, &targets, "start", true, false);
        /* They are for the progress line. */
        if (r == 0 && terminal_can_rewrite(stderr))
                r = lists_definitions(client);
        for (size_t i = 0; r == 0 && i < targets.n; i++)
                r = add_start(&calls, &targets.items[i]);
        if (r != 0)
                return r;

        r = request_run(&calls, option_given(client->options, OPTION_WAIT) ? "Waiting" : "Starting");
        if (r > 0)
                notify_failure(&calls);
        request_sum_up(&calls, "Started", "device");
        return r;
}

static int all_devices(struct client *client, struct targets *ret) {
        const struct listed_device_list *devices = &client->lists.devices;
        const char *place = client->options->parent;
        int r;

        r = lists_devices(client);
        if (r == 0 && place)
                r = lists_parents(client);
        for (size_t i = 0; r == 0 && i < devices->n; i++)
                if (!place || lists_is_on(&client->lists, devices->items[i].parent, place))
                        r = targets_add(ret, devices->items[i].uuid, NULL);
        return r;
}

static int stop_targets(struct client *client, char **arguments, size_t n, struct targets *ret) {
        if (option_given(client->options, OPTION_ALL))
                return n > 0 ? tell_usage("--all and UUIDs do not go together") : all_devices(client, ret);
        if (option_given(client->options, OPTION_PARENT))
                return tell_usage("stop takes --parent only with --all");
        if (n == 0)
                return tell_usage("name UUIDs, or --all");
        return targets_parse(client, arguments, n, KNOWN_DEVICES, ret);
}

static int add_stop(struct calls *calls, const struct target *target) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = manager_call_new(calls->client->bus, &message, "StopDevice", "s", target->uuid);
        return r < 0 ? r : request_add(calls, TAKE_PTR(message), target->uuid);
}

int verb_stop(struct client *client, char **arguments, size_t n) {
        _cleanup_targets_ struct targets targets = {};
        _cleanup_calls_ struct calls calls = { .client = client };
        int r;

        r = client_connect(client);
        if (r == 0)
                r = stop_targets(client, arguments, n, &targets);
        if (r == 0 && option_given(client->options, OPTION_DRY_RUN))
                return dry_run_devices(client, &targets, "stop");
        if (r == 0 && terminal_can_rewrite(stderr))
                r = lists_devices(client);
        for (size_t i = 0; r == 0 && i < targets.n; i++)
                r = add_stop(&calls, &targets.items[i]);
        if (r != 0)
                return r;
        r = request_run(&calls, option_given(client->options, OPTION_WAIT) ? "Waiting" : "Stopping");
        request_sum_up(&calls, "Stopped", "device");
        return r;
}
