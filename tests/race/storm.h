/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The storm: clients that create and stop the same few UUIDs on several parents, as fast as they can, and what
 * must be true of it all the time.
 *
 * A UUID is used in rounds of some calls. In a clean round only calls change its device: then all that was
 * answered, and what the kernel and ListDevices show whenever no call is under way, must be possible in one order
 * (history.h). In a raw round there are raw writers, too (raw-writers.h): the answers of that round may be
 * anything that is honest then, and at its end the kernel must have come to rest. What the storm does follows from
 * its seed; what comes out of it in which order does not. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/macro.h"
#include "tests/race/history.h"
#include "tests/race/raw-writers.h"

#define CLIENTS_MAX 64
#define PARENTS_MAX 8
#define BURST_MAX 4

/* Calls of a round. The rest of a history is for what is seen in between. */
#define ROUND_CALLS 40

enum count {
        COUNT_CREATED,
        COUNT_CREATE_EXISTS,
        COUNT_STOPPED,
        COUNT_STOP_NONE,
        COUNT_BUSY,
        COUNT_VANISHED, /* a create whose device a raw writer has removed at once */
        COUNT_CLEAN_ROUNDS,
        COUNT_RAW_ROUNDS,
        COUNT_LOOKS,
        COUNT_WEDGED_BY_RAW,
        /* From here on each must be 0. */
        COUNT_FAILED, /* other errors */
        COUNT_EAGAIN,
        COUNT_WEDGED_BY_US,
        COUNT_OUT_OF_ORDER, /* answers to one client about one UUID */
        COUNT_TWO_PARENTS,
        COUNT_IMPOSSIBLE, /* histories of clean rounds */
        COUNT_UNSETTLED,  /* devices that stay halfway */
        _COUNT_MAX,
};

struct storm;

/* A UUID. */
struct slot {
        struct storm *storm;
        struct raw_slot *raw; /* also what its UUID is */
        bool is_raw;          /* this round */
        bool closing;         /* no more calls in this round */
        bool changed;         /* by a call, in this round */
        unsigned int n_left;  /* calls to begin in this round */
        unsigned int n_pending;
        struct history history;
        unsigned short random[3];
        sd_event_source *timer; /* looks whether the kernel has come to rest */
        uint64_t resting_since;
        int rests_on; /* the parent, or NOWHERE */
        bool ended;   /* for good */
};

struct client {
        struct storm *storm;
        sd_bus *bus;
        unsigned short random[3];
        struct slot *slot;  /* where the next burst goes, */
        unsigned int burst; /* of so many calls */
        unsigned int n_pending;
        uint64_t n_sent, n_answered;
};

struct storm {
        sd_event *event;
        sd_bus *observer;
        struct raw *raw;
        struct slot slots[SLOTS_MAX];
        struct client clients[CLIENTS_MAX];
        unsigned int n_slots, n_clients, n_parents;
        const char *parents[PARENTS_MAX];
        const char *types[PARENTS_MAX];
        unsigned int raw_percent; /* of rounds */
        uint64_t step;
        uint64_t n_calls, n_calls_max;
        unsigned long counts[_COUNT_MAX];
        pid_t writers[WRITERS_MAX];
        unsigned int n_writers;
};

/** storm_count() - one more. */
void storm_count(struct storm *storm, enum count count);

/** storm_complain() - one more of what must be 0; says what it is about on stderr. */
void storm_complain(const struct slot *slot, enum count count, const char *format, ...) _printf_(3, 4);

/** storm_is_over() - all calls have been made. */
bool storm_is_over(const struct storm *storm);

/** client_go_on() - have it make its next calls, if it can. */
void client_go_on(struct client *client);

/** round_begin() - the first round, or the next one. */
void round_begin(struct slot *slot);

/** round_answered() - one of the round's calls was answered; looks at the kernel, ends the round when it is time.
 */
void round_answered(struct slot *slot);
