/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A question to polkit: whether a connection may do something. The daemon does not wait for the answer. A question that
 * is of no use any more is withdrawn, so that no dialog is left on a screen. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "common/macro.h"

/* How long polkit may take: to decide by its rules, and to have somebody type a password. */
#define POLKIT_RULES_USEC (25 * USEC_PER_SEC)
#define POLKIT_PASSWORD_USEC (300 * USEC_PER_SEC)

enum polkit_answer {
        POLKIT_YES,
        POLKIT_NO,
        POLKIT_CHALLENGE,       /* a password is needed, and could not be asked for */
        POLKIT_ABSENT,          /* polkit does not run and cannot be started */
        POLKIT_SILENT,          /* no answer in time */
        POLKIT_BROKEN,          /* an error, or an answer that is not understood */
};

struct polkit_check;

typedef void (*polkit_handler_t)(enum polkit_answer answer, void *userdata);

/** polkit_ask() - ask whether @sender, a unique name, may do @action. @details: names and values in turn, NULL at the
 * end. @interactive: polkit may ask for a password. @handler is called once, from the event loop, when the check is
 * freed already. Returns 0 or a negative errno. */
int polkit_ask(struct polkit_check **ret, sd_bus *bus, const char *sender, const char *action,
               const char *const *details, bool interactive, polkit_handler_t handler, void *userdata);

/** polkit_withdraw() - forget the question. Its handler is not called. Returns NULL. */
struct polkit_check *polkit_withdraw(struct polkit_check *check);
