/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients of the storm: bursts of calls of one UUID, and what is answered. */

#include <errno.h>

#include "common/macro.h"
#include "tests/race/calls.h"
#include "tests/race/storm.h"

#define CALL_USEC (300 * USEC_PER_SEC)

struct call {
        struct client *client;
        struct slot *slot;
        struct operation *operation;
        uint64_t number;
};

static bool mentions_eagain(const sd_bus_error *error) {
        return strstr(error->name, "EAGAIN") || strstr(error->name, "TryAgain") ||
               (error->message && strstr(error->message, strerror(EAGAIN)));
}

/* The number of the parent that a message names, `on parent 'NAME'`. */
static int named_parent(const struct storm *storm, const char *text) {
        const char *name = text ? strstr(text, "on parent '") : NULL;

        if (!name)
                return SOMEWHERE;
        name += strlen("on parent '");
        for (unsigned int i = 0; i < storm->n_parents; i++) {
                size_t n = strlen(storm->parents[i]);

                if (strncmp(name, storm->parents[i], n) == 0 && name[n] == '\'')
                        return (int)i;
        }
        return SOMEWHERE;
}

static void take_error(struct call *call, const sd_bus_error *error) {
        struct operation *operation = call->operation;
        struct slot *slot = call->slot;
        bool is_create = operation->kind == OPERATION_CREATE;

        operation->result = RESULT_OTHER;
        if (mentions_eagain(error))
                storm_complain(slot, COUNT_EAGAIN, "%s: %s", error->name, error->message);
        else if (is_create && error_is(error, "AlreadyExists")) {
                operation->result = RESULT_EXISTS;
                operation->holder = named_parent(slot->storm, error->message);
                storm_count(slot->storm, COUNT_CREATE_EXISTS);
        } else if (!is_create && error_is(error, "NoSuchDevice")) {
                operation->result = RESULT_NONE;
                storm_count(slot->storm, COUNT_STOP_NONE);
        } else if (slot->storm->n_writers > 0 && !is_create && error_is(error, "DeviceBusy"))
                /* In a clean round, too: the number of a group that a raw writer was about to open may be another
                 * device's by then. */
                storm_count(slot->storm, COUNT_BUSY);
        else if (slot->is_raw && is_create && error_is(error, "NoSuchDevice"))
                storm_count(slot->storm, COUNT_VANISHED);
        else if (error_is(error, "Wedged") && atomic_load(&slot->raw->wedged) > 0)
                return; /* the round's end counts it */
        else
                storm_complain(slot, COUNT_FAILED, "%s: %s", error->name, error->message);
}

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        _cleanup_free_ struct call *call = userdata;
        struct client *client = call->client;
        struct slot *slot = call->slot;

        call->operation->ended = ++slot->storm->step;
        if (call->number != client->n_answered++)
                storm_complain(slot, COUNT_OUT_OF_ORDER, "answer %lu before answer %lu",
                               (unsigned long)call->number, (unsigned long)client->n_answered - 1);
        if (sd_bus_message_is_method_error(message, NULL))
                take_error(call, sd_bus_message_get_error(message));
        else {
                call->operation->result = RESULT_SUCCESS;
                slot->changed = true;
                storm_count(slot->storm,
                            call->operation->kind == OPERATION_CREATE ? COUNT_CREATED : COUNT_STOPPED);
        }

        slot->n_pending--;
        client->n_pending--;
        round_answered(slot);
        client_go_on(client);
        return 0;
}

static int send_call(struct client *client, struct slot *slot) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        _cleanup_free_ struct call *call = NULL;
        struct storm *storm = client->storm;
        bool is_create = nrand48(client->random) % 2;
        int r, parent = (int)((unsigned long)nrand48(client->random) % storm->n_parents);

        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        call->client = client;
        call->slot = slot;
        call->number = client->n_sent++;
        call->operation = history_add(&slot->history, is_create ? OPERATION_CREATE : OPERATION_STOP,
                                      (int)(client - storm->clients), parent, ++storm->step);
        if (!call->operation)
                return -ENOBUFS;

        r = is_create ? call_new_create(client->bus, &message, slot->raw->uuid, storm->parents[parent],
                                        storm->types[parent])
                      : call_new_stop(client->bus, &message, slot->raw->uuid, false);
        if (r >= 0)
                r = sd_bus_call_async(client->bus, NULL, message, on_answer, call, CALL_USEC);
        if (r < 0)
                return r;
        TAKE_PTR(call);
        slot->n_left--;
        slot->n_pending++;
        client->n_pending++;
        storm->n_calls++;
        return 0;
}

void client_go_on(struct client *client) {
        struct storm *storm = client->storm;

        if (client->n_pending > 0)
                return;

        if (client->burst == 0) {
                if (storm_is_over(storm))
                        return;
                client->slot = storm->slots + (unsigned long)nrand48(client->random) % storm->n_slots;
                client->burst = 1 + (unsigned int)nrand48(client->random) % BURST_MAX;
        }
        /* What does not fit into this round waits for the next one. */
        if (client->slot->n_left < client->burst)
                client->slot->closing = true;
        if (client->slot->closing)
                return;

        while (client->burst > 0) {
                int r = send_call(client, client->slot);

                if (r < 0) {
                        (void)sd_event_exit(storm->event, r);
                        return;
                }
                client->burst--;
        }
}
