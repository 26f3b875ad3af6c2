/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* prepare/ is the program mediated-prepare, which makes the virtual functions of one card and ends. systemd runs it in
 * mediated-prepare@CARD.service; mediated.d(5) describes what it does.
 *
 * main.c      arguments and signals
 * prepare.c   the order of things: what is asked for, whether it may be done, attempts, and how it ended
 * make.c      makes virtual functions: by a write to sriov_numvfs, or by the program of Prepare=
 * judge.c     says by sysfs whether all is as it was asked for, and why the number must not be changed
 * step.h      runs a function or a program in a process of its own, for a limited time
 * progress.h  the journal, and the file in /run/mediated/prepare
 *
 * Whatever a driver can hang in is done in a child process. The kernel holds the lock of the device during a write to
 * sriov_numvfs, and not even SIGKILL ends a process that hangs there. This program ends all the same, and says so. */

#include "common/card.h"
#include "common/set.h"
#include "prepare/progress.h"
#include "prepare/step.h"

struct plan {
        const char *card;               /* the name of the card */
        const struct set *set;          /* what is asked for */
        unsigned int wanted;            /* how many virtual functions there should be; 0: the program decides it */
        unsigned int attempts;
        uint64_t pause_usec;            /* between the first two attempts; each further pause takes twice as long */
        uint64_t step_usec;             /* how long a write or a program may take */
        uint64_t settle_usec;           /* how long drivers and types may take to appear */
        struct progress progress;
        int signal_fd;                  /* readable when somebody wants the program to end */
};

/** prepare() - prepare the card of @plan, whose set asks for virtual functions. Returns an exit status. */
int prepare(struct plan *plan);

/** make_functions() - make one attempt. A driver that the card had before the program of Prepare=, and has not any
 * more, is bound again. Returns STEP_DONE when everything has ended, but sysfs decides whether it has succeeded; @why
 * is empty or the reason of a failure. STEP_FAILED: another attempt would not help. */
enum step_result make_functions(struct plan *plan, const struct card *card, step_message why);

/** judge_functions() - wait until all virtual functions of the card are ready to be used. Returns STEP_DONE; or, with
 * what is missing in @why, STEP_RETRY when there are none at all, or STEP_FAILED. */
enum step_result judge_functions(struct plan *plan, step_message why);

/** judge_other_number() - say in @why who keeps the number of virtual functions from being changed: a process that uses
 * one of them, or one with a type; it stays empty if there is nobody. */
enum step_result judge_other_number(struct plan *plan, step_message why);
