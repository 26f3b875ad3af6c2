/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who may do what: root may do everything. Everybody else asks polkit before anything is changed.
 *
 * A request handler calls authorize() when it has read all arguments and has changed nothing yet. If polkit must be
 * asked, the call is held. When polkit has said yes, its handler is entered once more, starts from the beginning and
 * looks at everything again. What it needs then is compared with what was granted, and polkit is asked again if it is
 * something else. The handler gives the grants to the job, which compares once more when its turn comes. */

#include <systemd/sd-bus.h>

#include "daemon/bus/grants.h"

struct authorization;
struct authorizations;
struct scheduler;

/* How many questions polkit has at once: of one user, and of all. The others wait. dbus-daemon allows a connection,
 * ours here, 128 unanswered calls. */
#define AUTHORIZATIONS_ASKED_USER_MAX 16
#define AUTHORIZATIONS_ASKED_MAX 96

enum verb {
        VERB_CREATE,
        VERB_START,
        VERB_STOP,
        VERB_GET_ATTRIBUTES,
        VERB_DEFINE,
        VERB_MODIFY,
        VERB_UNDEFINE,
        VERB_CANCEL,
        VERB_RELOAD,
        _VERB_MAX,
};

/** authorizations_new() - for the calls of @scheduler; polkit is asked over @bus. Returns 0 or a negative errno. */
int authorizations_new(struct authorizations **ret, sd_event *event, sd_bus *bus, struct scheduler *scheduler);

/** authorizations_free() - forget the requests that wait, without an answer. */
struct authorizations *authorizations_free(struct authorizations *authorizations);

/** authorize() - whether the sender of @message, the current call, may do all of @needs. @uuid: normal, or empty if
 * there is none yet. Returns 0 if it may, with *ret_grants set for a job to own, to NULL for root; 1 when the call was
 * held or answered; or a negative errno. */
int authorize(struct authorizations *authorizations, sd_bus_message *message, enum verb verb, const char *uuid,
              const struct need *needs, size_t n_needs, struct grants **ret_grants);

/** authorization_free() - for call_free(): forget what was asked, and withdraw it from polkit. Returns NULL. */
struct authorization *authorization_free(struct authorization *authorization);

/** authorizations_close() - the daemon is stopping: requests that wait for polkit get ShuttingDown, and so does each
 * later one that is not root's. */
void authorizations_close(struct authorizations *authorizations);
