/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asking polkit whether a connection may do something. Never waits; a question that nobody wants answered any more is
 * withdrawn there too, so that no dialog is left on a screen. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "common/macro.h"

/* How long polkit may take: to decide by its rules, and to have somebody type a password. */
#define POLKIT_RULES_USEC (25 * USEC_PER_SEC)
#define POLKIT_PASSWORD_USEC (300 * USEC_PER_SEC)

enum polkit_answer {
        POLKIT_YES,
        POLKIT_NO,
        POLKIT_CHALLENGE,       /* with a password it might; but the caller has not allowed to ask, or nobody could */
        POLKIT_ABSENT,          /* it is not there, and cannot be started */
        POLKIT_SILENT,          /* not in time, or it ended */
        POLKIT_BROKEN,          /* it refused to decide, or said what is not understood */
};

struct polkit_check;

typedef void (*polkit_handler_t)(enum polkit_answer answer, void *userdata);

/** polkit_ask() - ask whether @sender, a unique name, may do @action. @details: names and values in turn, NULL at the
 * end.
 * @handler is called once, from the event loop, with the check freed already. Returns 0 or a negative errno. */
int polkit_ask(struct polkit_check **ret, sd_bus *bus, const char *sender, const char *action,
               const char *const *details, bool interactive, polkit_handler_t handler, void *userdata);

/** polkit_withdraw() - forget the question; the handler is not called. NULL is fine. Returns NULL. */
struct polkit_check *polkit_withdraw(struct polkit_check *check);
