/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Several requests at once. */

#include "client/mediatectl/client.h"

/* One request, and what came of it. */
struct call {
        struct calls *calls;
        sd_bus_message *message;
        char *subject;                  /* the UUID that it changes; NULL if it changes none */
        sd_bus_message *reply;          /* the answer, an error or not; NULL if the connection was lost before it */
};

struct calls {
        struct client *client;
        struct call *items;
        size_t n, n_sent, n_done;
};

/** calls_add() - add a request. @subject: the UUID that it changes, NULL for reading. Takes over the caller's
 * reference of @message, even on failure. Returns 0 or a negative errno. */
int calls_add(struct calls *calls, sd_bus_message *message, const char *subject);

/** calls_run() - send them, many at a time, and wait for all answers. A person sees on a terminal how far it is, in
 * the words of @doing, unless that is NULL. Nothing is sent by a callout that would wait for itself: then the status
 * is STATUS_FAILED. Returns a status; that requests failed is not one, see calls_tell(). */
int calls_run(struct calls *calls, const char *doing);

/** call_error() - why it failed, NULL if it did not. */
const sd_bus_error *call_error(const struct call *call);

/** calls_tell() - tell the errors in the order of the requests. Returns the status of all: that of the errors if they
 * have the same, else STATUS_FAILED. */
int calls_tell(const struct calls *calls);

/** calls_clear() - free everything. */
void calls_clear(struct calls *calls);

#define _cleanup_calls_ _cleanup_(calls_clear)
