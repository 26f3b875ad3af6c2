/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order in which a card is prepared. */

#include "prepare/prepare.h"

#include <errno.h>
#include <inttypes.h>
#include <syslog.h>

static int failed(struct plan *plan, const char *message) {
        return progress_ended(&plan->progress, PREPARATION_FAILED, "%s", message);
}

static int stopped(struct plan *plan) {
        return failed(plan, "Somebody has stopped the preparation, or its time limit has passed");
}

/* Another number needs 0 in between, which takes away what somebody may be using. That is the administrator's to do. */
static int refuse(struct plan *plan, unsigned int n_functions) {
        step_message why;

        if (judge_other_number(plan, why) == STEP_STOPPED)
                return stopped(plan);
        return progress_ended(&plan->progress, PREPARATION_FAILED,
                              "Card %s has %u virtual function%s, and %s asks for %u. mediated never takes virtual "
                              "functions away%s%s. Disable them (echo 0 >/sys/bus/pci/devices/%s/sriov_numvfs)%s, and "
                              "run systemctl restart mediated-prepare@%s.service", plan->card, n_functions,
                              n_functions == 1 ? "" : "s", plan->set->path, plan->wanted, *why ? ": " : "", why,
                              plan->card, *why ? " when none is in use or has a type" : "", plan->card);
}

static int judge_at_last(struct plan *plan, const char *made) {
        enum step_result result;
        struct card card;
        step_message why;

        result = judge_functions(plan, why);
        if (result == STEP_STOPPED)
                return stopped(plan);
        if (result != STEP_DONE)
                return progress_ended(&plan->progress, PREPARATION_FAILED, "%s%s%s", why, *made ? ". " : "", made);
        if (card_read(plan->card, &card) < 0)
                return failed(plan, "The card has gone");
        return progress_ended(&plan->progress, PREPARATION_DONE, "Card %s has %u virtual function%s, ready to be used",
                              plan->card, card.n_functions, card.n_functions == 1 ? "" : "s");
}

/* Waits before another attempt, each time twice as long as before. */
static enum step_result pause_after(struct plan *plan, unsigned int attempt, const char *why) {
        uint64_t usec = plan->pause_usec << (attempt - 1);

        progress_is(&plan->progress, "Attempt %u of %u has failed: %s. Waits %" PRIu64 " s before the next one",
                    attempt, plan->attempts, why, usec / USEC_PER_SEC);
        return step_sleep(usec, plan->signal_fd);
}

/* Returns STEP_DONE when there are virtual functions; STEP_RETRY when there are none. */
static enum step_result attempt_once(struct plan *plan, const struct card *card, step_message made, step_message why) {
        enum step_result result;
        struct card now;

        result = make_functions(plan, card, made);
        if (result != STEP_DONE)
                return result;
        result = card_read(plan->card, &now) >= 0 && now.n_functions > 0 ? STEP_DONE : judge_functions(plan, why);
        return result == STEP_FAILED ? STEP_DONE : result;
}

static int attempt(struct plan *plan) {
        for (unsigned int i = 1;; i++) {
                step_message made = "", why = "";
                enum step_result result;
                struct card card;

                if (card_read(plan->card, &card) < 0)
                        return failed(plan, "The card has gone");
                plan->progress.attempt = i;
                result = attempt_once(plan, &card, made, why);
                if (result == STEP_STOPPED)
                        return stopped(plan);
                if (result == STEP_FAILED || result == STEP_HUNG)
                        return failed(plan, made);
                if (result == STEP_DONE)
                        return judge_at_last(plan, made);
                if (i >= plan->attempts)
                        return progress_ended(&plan->progress, PREPARATION_FAILED, "All attempts have failed. %s%s%s",
                                              why, *made ? ". " : "", made);
                if (pause_after(plan, i, *made ? made : why) == STEP_STOPPED)
                        return stopped(plan);
        }
}

int prepare(struct plan *plan) {
        struct card card;

        progress_is(&plan->progress, "Prepares card %s, as %s asks for", plan->card, plan->set->path);
        if (card_read(plan->card, &card) < 0)
                return failed(plan, "The card has gone");
        if (plan->set->error)
                return failed(plan, plan->set->error);
        if (card.total == 0)
                return failed(plan, "The card cannot have virtual functions: it has no sriov_totalvfs, or SR-IOV is "
                                    "disabled in the firmware");
        if (plan->wanted > card.total)
                return progress_ended(&plan->progress, PREPARATION_FAILED,
                                      "%s asks for %u virtual functions, and card %s can have %u at most",
                                      plan->set->path, plan->wanted, plan->card, card.total);

        if (card.n_functions == 0)
                return attempt(plan);
        if (plan->wanted > 0 && plan->wanted != card.n_functions)
                return refuse(plan, card.n_functions);
        return judge_at_last(plan, "");
}
