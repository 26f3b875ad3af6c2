/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mdevctl start-parent-mdevs, which starts all auto definitions of a parent at once. mdevctl's udev rule runs it when
 * the parent appears, and udev waits for it; so it must not wait for udev. */

#include <assert.h>
#include <errno.h>

#include "client/mdevctl/bus.h"
#include "client/mdevctl/commands.h"
#include "client/mdevctl/parent.h"
#include "client/mdevctl/store.h"
#include "client/mdevctl/tell.h"

struct starter {
        sd_bus *bus;
        size_t n_pending;
};

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct starter *starter = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(reply);

        assert(starter->n_pending > 0);
        starter->n_pending--;
        if (error)
                mdevctl_warn("%s", error->message ? error->message : error->name);
        return 0;
}

static int send_start(struct starter *starter, const struct mdevctl_stored *stored) {
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = mdevctl_bus_wait(starter->bus, &starter->n_pending, MDEVCTL_PENDING_MAX);
        if (r >= 0)
                r = manager_call_new(starter->bus, &call, "StartDevice", "ssa{sv}", stored->uuid, stored->parent->name,
                                     0);
        if (r >= 0)
                r = sd_bus_call_async(starter->bus, NULL, call, on_reply, starter, UINT64_MAX);
        if (r >= 0)
                starter->n_pending++;
        return r;
}

/* A definition that cannot be read is only warned of, so that the others are started. */
static bool is_auto(const struct mdevctl_stored *stored) {
        _cleanup_definition_ struct definition *definition = NULL;
        _cleanup_free_ char *error = NULL;

        if (mdevctl_stored_read(stored, &definition, &error) < 0) {
                mdevctl_warn("%s", error ? error : stored->uuid);
                return false;
        }
        return definition_start(definition) == START_AUTO && !mdevctl_is_other_definition(definition);
}

static int start_all(struct starter *starter, const struct mdevctl_store *store) {
        int r = 0;

        for (size_t i = 0; i < store->n && r >= 0; i++) {
                if (!is_auto(store->items + i))
                        continue;
                if (!starter->bus && mdevctl_bus_open(&starter->bus) != EXIT_SUCCESS)
                        return -ENOTCONN;
                r = send_start(starter, store->items + i);
        }
        return r < 0 || !starter->bus ? r : mdevctl_bus_wait(starter->bus, &starter->n_pending, 1);
}

int mdevctl_command_start_parent(const struct mdevctl_arguments *arguments) {
        _cleanup_store_ struct mdevctl_store store = {};
        struct starter starter = {};
        int r;

        r = mdevctl_store_scan(&store, arguments->argument, NULL);
        if (r < 0)
                return mdevctl_fail_errno(r, "Unable to read the definitions");

        r = start_all(&starter, &store);
        if (r < 0)
                mdevctl_fail_errno(r, "Unable to start the devices of %s", arguments->argument);
        sd_bus_flush_close_unref(starter.bus);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
