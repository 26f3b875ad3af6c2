/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which caller may do what. Root may do everything. For every other user polkit is asked before anything is changed.
 *
 * The handler of a request calls authorize() when it has read all arguments and has changed nothing yet. If polkit must
 * be asked, the call is held. When polkit has said yes, the handler is entered again, starts from the beginning, and
 * looks at everything again. What it needs then is compared with what was granted, and polkit is asked again if that is
 * something else. The handler gives the grants to the job, which compares them again when its turn comes. */

#include <systemd/sd-bus.h>

#include "daemon/bus/grants.h"

struct authorization;
struct authorizations;
struct scheduler;

/* How many questions of one user, and of all users, polkit has at the same time. Further ones wait. dbus-daemon allows
 * a connection, here the daemon's, 128 unanswered calls. */
#define AUTHORIZATIONS_ASKED_USER_MAX 16
#define AUTHORIZATIONS_ASKED_MAX 96

enum verb {
        VERB_CREATE,
        VERB_START,
        VERB_STOP,
        VERB_GET_ATTRIBUTES,
        VERB_GET_USERS,
        VERB_DEFINE,
        VERB_MODIFY,
        VERB_UNDEFINE,
        VERB_CANCEL,
        VERB_RELOAD,
        VERB_SET_ASIDE,
        _VERB_MAX,
};

/** authorizations_new() - for the calls of @scheduler; polkit is asked over @bus. Returns 0 or a negative errno. */
int authorizations_new(struct authorizations **ret, sd_event *event, sd_bus *bus, struct scheduler *scheduler);

/** authorizations_free() - free the requests that wait, without an answer. Returns NULL. */
struct authorizations *authorizations_free(struct authorizations *authorizations);

/** authorize() - whether the sender of @message, which is the current call's, may do all of @needs. @uuid: the device,
 * in normal form, or empty if it has no UUID yet. Returns 0 if it may, with the grants in *ret_grants for a job to own,
 * or NULL for root; 1 when the call is held or answered; or a negative errno. */
int authorize(struct authorizations *authorizations, sd_bus_message *message, enum verb verb, const char *uuid,
              const struct need *needs, size_t n_needs, struct grants **ret_grants);

/** authorization_free() - for call_free(): withdraw the question that polkit has. Returns NULL. */
struct authorization *authorization_free(struct authorization *authorization);

/** authorizations_close() - the daemon is stopping: requests that wait for polkit get ShuttingDown, and so does each
 * later one that is not root's. */
void authorizations_close(struct authorizations *authorizations);
