/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Budgets of the daemon's time, and the callers that want some of it. */

#include "daemon/peers/budget.h"

#include <assert.h>

#include "common/macro.h"

static void give_back(struct budget *budget, const struct budget_rule *rule, uint64_t now) {
        uint64_t back = (now - budget->updated_usec) / rule->factor;

        assert(now >= budget->updated_usec && now >= budget->charged_usec);

        if (now - budget->charged_usec >= BUDGET_REST_USEC || back >= budget->spent) {
                budget->spent = 0;
                budget->updated_usec = now;
        } else {
                budget->spent -= back;
                /* The remainder of the division counts the next time. */
                budget->updated_usec += back * rule->factor;
        }
}

void budget_charge(struct budget *budget, const struct budget_rule *rule, uint64_t usec, uint64_t now) {
        uint64_t max = rule->burst_usec + BUDGET_WAIT_MAX_USEC / rule->factor;

        give_back(budget, rule, now);
        budget->spent += usec > BUDGET_CALL_USEC ? usec : BUDGET_CALL_USEC;
        if (budget->spent > max)
                budget->spent = max;
        budget->charged_usec = now;
}

uint64_t budget_ready(struct budget *budget, const struct budget_rule *rule, uint64_t now) {
        give_back(budget, rule, now);
        return budget->spent < rule->burst_usec ? now : now + (budget->spent - rule->burst_usec + 1) * rule->factor;
}

void callers_note(struct callers *callers, const void *caller, uint64_t now) {
        if (callers->last != caller) {
                callers->other = callers->last;
                callers->other_usec = callers->last_usec;
        }
        callers->last = caller;
        callers->last_usec = now;
}

uint64_t callers_others_usec(const struct callers *callers, const void *caller) {
        bool is_last = callers->last == caller;

        if (!(is_last ? callers->other : callers->last))
                return 0;
        return is_last ? callers->other_usec : callers->last_usec;
}
