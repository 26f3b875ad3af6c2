/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rounds of the storm: what is looked at while there is one and at its end. */

#include <errno.h>
#include <uuid/uuid.h>

#include "common/io.h"
#include "common/macro.h"
#include "tests/race/calls.h"
#include "tests/race/kernel-look.h"
#include "tests/race/storm.h"

#define POLL_USEC (2 * USEC_PER_MSEC)

/* So long a removal may look like a wedged device, and a raw create or remove take that nobody waits for. */
#define WEDGED_USEC (2 * USEC_PER_SEC)
#define UNSETTLED_USEC (30 * USEC_PER_SEC)

static enum kernel_state look(struct slot *slot, int *ret_parent) {
        struct storm *storm = slot->storm;
        enum kernel_state state;

        state = kernel_look(slot->raw->uuid, storm->parents, storm->n_parents, ret_parent);
        storm_count(slot->storm, COUNT_LOOKS);
        if (state == KERNEL_TWO_PARENTS)
                storm_complain(slot, COUNT_TWO_PARENTS, "it is on two parents");
        return state;
}

static void note(struct slot *slot, int parent) {
        uint64_t step = ++slot->storm->step;
        struct operation *operation;

        /* There must be room for the calls that are still to come, and for the last looks. */
        if (!slot->closing && slot->history.n + slot->n_left + 2 >= HISTORY_MAX)
                return;
        operation = history_add(&slot->history, OPERATION_LOOK, -1, parent, step);
        if (operation) {
                operation->ended = step;
                operation->result = RESULT_SUCCESS;
        }
}

static void judge(struct slot *slot) {
        if (slot->is_raw || history_is_possible(&slot->history))
                return;

        storm_complain(slot, COUNT_IMPOSSIBLE, "no order explains this:");
        history_print(&slot->history, stderr);
}

void round_begin(struct slot *slot) {
        struct storm *storm = slot->storm;

        slot->is_raw = storm->n_writers > 0 && (unsigned long)nrand48(slot->random) % 100 < storm->raw_percent;
        slot->n_left = ROUND_CALLS;
        slot->changed = false;
        slot->closing = false;
        slot->history.n = 0;
        atomic_store(&slot->raw->wedged, 0);
        atomic_store(&slot->raw->allowed, slot->is_raw);

        for (unsigned int i = 0; i < storm->n_clients; i++)
                if (storm->clients[i].slot == slot && storm->clients[i].burst > 0)
                        client_go_on(storm->clients + i);
}

static void end(struct slot *slot) {
        judge(slot);
        storm_count(slot->storm, slot->is_raw ? COUNT_RAW_ROUNDS : COUNT_CLEAN_ROUNDS);
        slot->history.start = slot->rests_on;
        slot->timer = sd_event_source_disable_unref(slot->timer);

        if (!storm_is_over(slot->storm))
                return round_begin(slot);
        slot->ended = true;
        for (unsigned int i = 0; i < slot->storm->n_slots; i++)
                if (!slot->storm->slots[i].ended)
                        return;
        (void)sd_event_exit(slot->storm->event, 0);
}

/* Where ListDevices has the device. */
static int read_list(struct slot *slot, sd_bus_message *message, int *ret_parent) {
        const char *uuid, *parent, *type, *state, *path;
        int r, defined;

        *ret_parent = NOWHERE;
        r = sd_bus_message_enter_container(message, 'a', "(ssssbo)");
        while (r >= 0 &&
               (r = sd_bus_message_read(message, "(ssssbo)", &uuid, &parent, &type, &state, &defined, &path)) > 0)
                for (unsigned int i = 0; i < slot->storm->n_parents; i++)
                        if (streq(uuid, slot->raw->uuid) && streq(parent, slot->storm->parents[i]))
                                *ret_parent = streq(state, "active") ? (int)i : SOMEWHERE;
        return r;
}

static int on_list(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct slot *slot = userdata;
        int parent;

        if (sd_bus_message_is_method_error(message, NULL))
                storm_complain(slot, COUNT_FAILED, "ListDevices: %s", sd_bus_message_get_error(message)->message);
        else if (read_list(slot, message, &parent) >= 0)
                note(slot, parent);
        end(slot);
        return 0;
}

/* A wedged device stays, so the rounds go on with another UUID. */
static void leave_wedged(struct slot *slot) {
        uuid_t uuid;

        if (atomic_load(&slot->raw->wedged) > 0)
                storm_count(slot->storm, COUNT_WEDGED_BY_RAW);
        else
                storm_complain(slot, COUNT_WEDGED_BY_US, "it is wedged, and no raw writer has heard of EAGAIN");
        for (size_t i = 0; i < sizeof(uuid); i++)
                uuid[i] = (unsigned char)nrand48(slot->random);
        uuid_unparse_lower(uuid, slot->raw->uuid);
        slot->rests_on = NOWHERE;
        slot->is_raw = true; /* there is nothing to judge */
        end(slot);
}

/* Where everything has come to an end. */
static void at_rest(struct slot *slot, int parent) {
        struct storm *storm = slot->storm;

        slot->rests_on = parent;
        if (slot->is_raw)
                return end(slot);

        note(slot, parent);
        /* What only raw writers have changed mediated may not have heard of yet. */
        if (!slot->changed || sd_bus_call_method_async(storm->observer, NULL, CALL_NAME, CALL_PATH, CALL_MANAGER,
                                                       "ListDevices", on_list, slot, NULL) < 0)
                end(slot);
}

static int on_rest(sd_event_source *source, uint64_t usec, void *userdata) {
        struct slot *slot = userdata;
        uint64_t waited = now_usec() - slot->resting_since;
        enum kernel_state state;
        int parent;

        if (raw_is_idle(slot->raw)) {
                state = look(slot, &parent);
                if (state == KERNEL_NONE || state == KERNEL_ACTIVE) {
                        at_rest(slot, parent);
                        return 0;
                }
                if (state == KERNEL_WEDGED && waited > WEDGED_USEC) {
                        leave_wedged(slot);
                        return 0;
                }
        }
        if (waited > UNSETTLED_USEC) {
                storm_complain(slot, COUNT_UNSETTLED, "it stays halfway");
                return sd_event_exit(slot->storm->event, -ETIMEDOUT);
        }
        (void)sd_event_source_set_time_relative(source, POLL_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void begin_rest(struct slot *slot) {
        slot->closing = true;
        atomic_store(&slot->raw->allowed, false);
        slot->resting_since = now_usec();
        if (sd_event_add_time_relative(slot->storm->event, &slot->timer, CLOCK_MONOTONIC, 0, 1, on_rest, slot) < 0)
                (void)sd_event_exit(slot->storm->event, -ENOMEM);
}

static void close_idle(struct storm *storm) {
        for (unsigned int i = 0; i < storm->n_slots; i++)
                if (storm->slots[i].n_pending == 0 && !storm->slots[i].closing)
                        begin_rest(storm->slots + i);
}

void round_answered(struct slot *slot) {
        enum kernel_state state;
        int parent;

        state = look(slot, &parent);
        if (slot->n_left < BURST_MAX || storm_is_over(slot->storm))
                slot->closing = true;
        if (slot->n_pending == 0) {
                /* Between two calls everything that was acknowledged can be seen. */
                if (!slot->is_raw && (state == KERNEL_NONE || state == KERNEL_ACTIVE))
                        note(slot, parent);
                else if (!slot->is_raw)
                        storm_complain(slot, COUNT_UNSETTLED, "nobody is at it, and it is halfway");
                if (slot->closing)
                        begin_rest(slot);
        }
        if (storm_is_over(slot->storm))
                close_idle(slot->storm);
}
