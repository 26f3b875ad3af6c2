/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A budget of the daemon's time.
 *
 * The daemon has one thread, so that a caller that keeps it busy delays everybody else. Therefore each user but root
 * has a budget. The time that its calls take is spent from it, and comes back a certain number of times more slowly.
 * When nothing is left, its next call waits, but only as long as others want something that have a budget (see
 * scheduler.h). The time is measured. So a call that looks at ten thousand objects costs more than one that looks at
 * one, without a list of such calls. */

#include <stdint.h>

struct budget_rule {
        uint64_t factor;        /* the number of µs in which one spent µs comes back */
        uint64_t burst_usec;    /* the number of µs that can be spent at once */
};

/* How long a user has to rest for its budget to be full again, whatever it has spent. */
#define BUDGET_REST_USEC (1 * USEC_PER_SEC)

/* How long a user waits at most. */
#define BUDGET_WAIT_MAX_USEC (1 * USEC_PER_SEC)

/* The least that a call costs. Workers, the bus and udev work for it too, and that is not measured here. */
#define BUDGET_CALL_USEC (1 * USEC_PER_MSEC)

/* A zeroed budget is full. */
struct budget {
        uint64_t spent;         /* the µs that have not come back yet */
        uint64_t updated_usec;  /* the time when `spent` was calculated */
        uint64_t charged_usec;  /* the time of the last charge */
};

/* The last two different callers of a group. They show whether a caller other than a given one has called a moment
 * ago. */
struct callers {
        const void *last, *other;       /* both may be freed already, and are only compared */
        uint64_t last_usec, other_usec; /* the times of their last calls */
};

/** callers_note() - @caller calls. @now: CLOCK_MONOTONIC in µs. */
void callers_note(struct callers *callers, const void *caller, uint64_t now);

/** callers_others_usec() - the time of the last call of a caller other than @caller; 0 if there is none. */
uint64_t callers_others_usec(const struct callers *callers, const void *caller);

/** budget_charge() - spend @usec; BUDGET_CALL_USEC at least. @now: CLOCK_MONOTONIC in µs. */
void budget_charge(struct budget *budget, const struct budget_rule *rule, uint64_t usec, uint64_t now);

/** budget_ready() - the time when there is something to spend, in µs of CLOCK_MONOTONIC; @now if there is something. */
uint64_t budget_ready(struct budget *budget, const struct budget_rule *rule, uint64_t now);
