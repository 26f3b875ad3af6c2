/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who may: root may do all; everybody else asks polkit before anything is changed.
 *
 * A request handler calls authorize() when it has read all arguments and has changed nothing yet. Where polkit must be
 * asked, the message is put aside, and when polkit has said yes it goes through the gate to its handler once more. That
 * one starts from the beginning and looks at everything again: what it needs then is compared with what was granted,
 * and asked for anew where it is something else. What the handler gives the job, the grants, lets the job compare once
 * more when its turn comes. */

#include <systemd/sd-bus.h>

#include "daemon/grants.h"

struct authorizations;
struct client;
struct manager;

/* Requests that wait for polkit: of one user, and of all. Those of one connection count as its jobs. */
#define AUTHORIZATIONS_USER_MAX 256
#define AUTHORIZATIONS_MAX 1024

/* Questions that polkit has at once; the others wait for their turn. dbus-daemon allows a connection, ours here, 128
 * calls without an answer, and one user must not have them all. */
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

/** authorizations_new() - nobody waits. Returns 0 or a negative errno. */
int authorizations_new(struct authorizations **ret, struct manager *manager);

/** authorizations_free() - without a word to who waits. */
struct authorizations *authorizations_free(struct authorizations *authorizations);

/** request_is_privileged() - whether root asks. */
bool request_is_privileged(struct manager *manager, sd_bus_message *message);

/** authorize() - whether the sender of @message may do all of @needs. @uuid: normal, or empty where there is none yet.
 * Returns 0 when it may, with *ret_grants set for a job to own, to NULL for root; 1 when @message was put aside or
 * answered; or a negative errno. */
int authorize(struct manager *manager, sd_bus_message *message, enum verb verb, const char *uuid, const struct need *needs,
              size_t n_needs, struct grants **ret_grants);

/** authorization_enter() - for the gate: @message is about to reach its handler. */
void authorization_enter(struct manager *manager, sd_bus_message *message);

/** authorization_drop() - the connection is gone: what waits for polkit in its name is forgotten, and withdrawn there. */
void authorization_drop(struct client *client);

/** authorizations_refuse() - the daemon is stopping: whoever waits gets ShuttingDown. */
void authorizations_refuse(struct manager *manager);
