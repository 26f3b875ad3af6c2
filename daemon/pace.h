/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The pace of those who ask for much: when a call may be handled.
 *
 * A connection that always has many calls and jobs under way takes all that the daemon, its workers and the bus can give.
 * As long as others want something, it steps back behind them. With nobody else there it has everything. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

struct manager;
struct sender;

/* Who has had so many calls and jobs under way for so long crowds others out, and who has called so often in that time. A
 * command for a few hundred devices is done by then. Who has crowded counts as doing so for a moment longer: what is still
 * on its way is not seen here. */
#define PACE_CALLS 16
#define PACE_COUNT 500
#define PACE_PATIENCE_USEC (250 * USEC_PER_MSEC)
#define PACE_LAPSE_USEC (50 * USEC_PER_MSEC)

/* Others want something as long as one of them has called so recently. */
#define PACE_OTHERS_USEC (100 * USEC_PER_MSEC)

/* After a call of those that crowd, the next one of them waits: so long, and so many times as long as it took; so the calls
 * of others that meet one of theirs are fewer than one in a hundred. But never longer than a second. */
#define PACE_PAUSE_USEC (150 * USEC_PER_MSEC)
#define PACE_FACTOR 100
#define PACE_PAUSE_MAX_USEC (1 * USEC_PER_SEC)

/* GetManagedObjects keeps the daemon busy for as long as it takes to ask every object for all it has: 86 ms for 10,000. With
 * more objects than this, that of one connection waits until so long after its last one. */
#define PACE_OBJECTS_MAX 1000
#define PACE_OBJECTS_USEC (1 * USEC_PER_SEC)

/* What the bus does not take, because somebody does not read his answers, is kept in memory. With more than so many messages
 * of that a call that only asks waits, and one for many objects with any; then it is looked again after so long. */
#define PACE_BEHIND_MAX 16
#define PACE_BEHIND_USEC (5 * USEC_PER_MSEC)

struct pace {
        uint64_t others_usec;           /* when somebody called last who does not crowd */
        uint64_t crowds_usec;           /* when those that do may again */
};

/** pace_ready_usec() - since when a call of @sender may be handled, in µs of CLOCK_MONOTONIC; what is not after @now means
 * at once. */
uint64_t pace_ready_usec(struct pace *pace, struct manager *manager, struct sender *sender, sd_bus_message *message,
                         uint64_t now);

/** pace_begin() - the call is about to be handled. Returns whether it is of those that crowd. */
bool pace_begin(struct pace *pace, struct manager *manager, struct sender *sender, sd_bus_message *message, uint64_t now);

/** pace_end() - one of those was handled, and took so long. */
void pace_end(struct pace *pace, uint64_t now, uint64_t took);
