/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Several calls at once. */

#include "client/mediatectl/client.h"

/* A call and its answer. */
struct call {
        struct calls *calls;
        sd_bus_message *message;
        char *subject;                  /* the UUID that the call changes; NULL: it changes none, or a new one */
        sd_bus_message *reply;          /* the answer or the error; NULL: there is none yet, or it was lost */
};

/* The first arguments of a call that is about a UUID. The texts are parts of the message. */
struct call_arguments {
        const char *member;
        const char *uuid;               /* "": a new one */
        const char *parent;             /* "": it was not named */
        const char *type;               /* NULL: the method has no such argument */
};

struct calls {
        struct client *client;
        struct call *items;
        size_t n, n_sent, n_done;
};

/** calls_add() - add a call that changes the UUID @subject, or with NULL none. It takes over the caller's reference of
 * @message, even on failure. Returns 0 or a negative errno. */
int calls_add(struct calls *calls, sd_bus_message *message, const char *subject);

/** calls_run() - send the calls, many at a time, and wait for all answers. On a terminal a progress line with the words
 * @doing shows how many are done, or what the last one waits for; NULL: there is none. A callout that would wait for
 * itself sends nothing, and gets STATUS_FAILED. Returns a status. It does not say whether calls failed: see
 * calls_tell(). */
int calls_run(struct calls *calls, const char *doing);

/** call_read_arguments() - read the first arguments of a call of CreateDevice, StartDevice, StopDevice, Modify or
 * Undefine. Returns false for any other. */
bool call_read_arguments(sd_bus_message *call, struct call_arguments *ret);

/** call_error() - the error of a call that was run, or NULL. One without an answer has lost its connection. */
const sd_bus_error *call_error(const struct call *call);

/** calls_tell() - print the errors in the order of the calls. Returns STATUS_DONE if there are none, the status of the
 * errors if it is the same for all, else STATUS_FAILED; or -ENOMEM. */
int calls_tell(const struct calls *calls);

/** calls_clear() - free everything. */
void calls_clear(struct calls *calls);

#define _cleanup_calls_ _cleanup_(calls_clear)
