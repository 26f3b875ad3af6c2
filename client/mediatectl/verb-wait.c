/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl wait. */

#include <errno.h>

#include "client/mediatectl/entries.h"
#include "client/mediatectl/verbs.h"
#include "client/output/tell.h"
#include "common/io.h"

/* Drivers that load at boot are there by then. Whatever waits for longer should not delay the boot. */
#define WAIT_USEC_DEFAULT (30 * USEC_PER_SEC)

/* After a signal others follow. With many definitions, looking at all of them for each signal would keep the daemon
 * from its work. */
#define LOOK_AGAIN_USEC (200 * USEC_PER_MSEC)

/* Whether a definition with start `auto` is neither active nor settled otherwise. */
static bool is_pending(const struct entry *entry) {
        static const char *const pending[] = { "starting", "waiting-parent", "waiting-type", "waiting-instance" };
        const char *state = entry_state(entry);

        if (!entry->definition || !streq(entry->definition->start, "auto"))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(pending); i++)
                if (streq(state, pending[i]))
                        return true;
        return false;
}

static bool has_pending(const struct entries *entries) {
        for (size_t i = 0; i < entries->n; i++)
                if (is_pending(&entries->items[i]))
                        return true;
        return false;
}

/* Reports each definition that is not active and should be. One that was stopped, or was not to be started, is none of
 * them. */
static int report(const struct entries *entries) {
        int status = STATUS_DONE;

        for (size_t i = 0; i < entries->n; i++) {
                const struct entry *entry = &entries->items[i];
                const char *state = entry_state(entry);
                _cleanup_free_ char *error = NULL;
                int r;

                if (!is_pending(entry) && !(entry->definition && streq(state, "failed")))
                        continue;
                r = definition_error(entry, &error);
                if (r < 0)
                        return r;
                status = tell_status(STATUS_FAILED, "%s is not active, its state is %s%s%s", entry->uuid, state,
                                     error ? ": " : "", error ? error : "");
        }
        return status;
}

static int look(struct client *client, struct entries *ret) {
        int r;

        entries_clear(ret);
        lists_clear(&client->lists);
        r = entries_new(client, ret);
        return r == 0 ? entries_fetch_states(client, ret) : r;
}

static int on_signal(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error) {
        bool *is_changed = userdata;

        *is_changed = true;
        return 0;
}

/* Returns when the daemon has sent a signal, or at @end. */
static int wait_for_signal(sd_bus *bus, const bool *is_changed, uint64_t end) {
        for (;;) {
                uint64_t now = now_usec();
                int r = sd_bus_process(bus, NULL);

                if (r == 0 && (*is_changed || now >= end))
                        return 0;
                if (r == 0)
                        r = sd_bus_wait(bus, end == UINT64_MAX ? UINT64_MAX : end - now);
                if (r < 0 && r != -EINTR)
                        return tell_status(STATUS_FAILED, "The connection to the bus was lost: %s", strerror(-r));
        }
}

/* Takes the signals of LOOK_AGAIN_USEC together. */
static int wait_for_change(sd_bus *bus, bool *is_changed, uint64_t end) {
        const bool never = false;
        uint64_t soon;
        int r;

        r = wait_for_signal(bus, is_changed, end);
        if (r != 0)
                return r;
        soon = now_usec() + LOOK_AGAIN_USEC;
        r = wait_for_signal(bus, &never, soon < end ? soon : end);
        *is_changed = false;
        return r;
}

int verb_wait(struct client *client, char **arguments, size_t n) {
        _cleanup_entries_ struct entries entries = {};
        uint64_t timeout = WAIT_USEC_DEFAULT, end;
        bool is_changed = false;
        int r;

        if (option_given(client->options, OPTION_TIMEOUT))
                timeout = client->options->timeout_usec;
        end = timeout > 0 ? now_usec() + timeout : UINT64_MAX;

        r = client_connect(client);
        if (r != 0)
                return r;
        r = sd_bus_add_match(client->bus, NULL, "type='signal',sender='" BUS_NAME "',path_namespace='" BUS_ROOT "'",
                             on_signal, &is_changed);
        if (r < 0)
                return tell_status(STATUS_FAILED, "Cannot watch the daemon: %s", strerror(-r));

        for (;;) {
                r = look(client, &entries);
                if (r != 0)
                        return r;
                if (!has_pending(&entries) || now_usec() >= end)
                        return report(&entries);
                r = wait_for_change(client->bus, &is_changed, end);
                if (r != 0)
                        return r;
        }
}
