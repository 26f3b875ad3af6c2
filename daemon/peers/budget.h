/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A budget of the daemon's time.
 *
 * The daemon has one thread, so whoever keeps it busy delays everybody else. Each user but root therefore has a budget:
 * the time that its calls take is spent from it, and comes back a certain number of times more slowly. With nothing
 * left, the next call waits, for as long as others want something that have something left (see scheduler.h). Time is
 * charged as it is used, so a call that looks at ten thousand objects costs more than one that looks at one, without a
 * list of such calls. */

#include <stdint.h>

struct budget_rule {
        uint64_t factor;        /* how many µs it takes until one spent µs is back */
        uint64_t burst_usec;    /* how many µs can be spent at once */
};

/* A rest of this length gives all back. */
#define BUDGET_REST_USEC (1 * USEC_PER_SEC)

/* The longest wait. */
#define BUDGET_WAIT_MAX_USEC (1 * USEC_PER_SEC)

/* What a call costs at least. Workers, the bus and udev work for it too, and that is not seen here. */
#define BUDGET_CALL_USEC (1 * USEC_PER_MSEC)

/* A zeroed budget is full. */
struct budget {
        uint64_t spent;         /* µs that have not come back yet */
        uint64_t updated_usec;  /* the time up to which they have come back */
        uint64_t charged_usec;  /* the time of the last charge */
};

/* The last two different callers of a group: they show whether somebody besides one of them has called a moment ago. */
struct callers {
        const void *last, *other;       /* to be compared alone: both may be gone */
        uint64_t last_usec, other_usec; /* their last calls */
};

/** callers_note() - somebody calls. */
void callers_note(struct callers *callers, const void *caller, uint64_t now);

/** callers_others_usec() - the time of the last call of others than @caller; 0 if there are none. */
uint64_t callers_others_usec(const struct callers *callers, const void *caller);

/** budget_charge() - spend @usec; BUDGET_CALL_USEC at least. @now: CLOCK_MONOTONIC in µs. */
void budget_charge(struct budget *budget, const struct budget_rule *rule, uint64_t usec, uint64_t now);

/** budget_ready() - the time, in µs of CLOCK_MONOTONIC, from which on there is something to spend; not after @now when
 * there is something already. */
uint64_t budget_ready(struct budget *budget, const struct budget_rule *rule, uint64_t now);
