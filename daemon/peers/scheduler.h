/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whose call is handled next.
 *
 * The bus delivers calls in the order in which they came. A connection with a hundred calls under way would have a
 * hundred handled before anybody else's next one. So the scheduler reads what there is to read, which is cheap, and
 * sorts it: users are in a ring, and in each user's ring are its connections, which have their calls in a queue. A turn
 * of a user is one call of one of its connections. Root has its turn first. A user that has used up its budget
 * (budget.h) waits as long as a user that has not called a moment ago. A connection crowds if it always has much under
 * way. It waits after each call, as long as another connection of its user that does not crowd has called a moment ago.
 * A call that comes alone is handled at once.
 *
 * A call is an object from the time it is read until it is answered, or until somebody who answers it later keeps its
 * message. A handler that cannot go on yet holds the call (call_hold()). When it can, it resumes the call: it keeps its
 * place in all accounts, waits for its turn, and its handler is entered once more. Calls of one connection are handled
 * in their order, but later ones do not wait for one that is held. */

#include "daemon/peers/peer.h"

struct authorization;
struct scheduler;

/* How large a call may be: four times what a definition may have. */
#define CALL_SIZE_MAX (256 * 1024)

/* A user has a tenth of the time when the burst is spent. A command for a few dozen devices is done within the
 * burst. */
#define USER_BUDGET ((const struct budget_rule) { .factor = 10, .burst_usec = 100 * USEC_PER_MSEC })

/* A connection that has had at least that many calls and requests under way for that long crowds. A command for a few
 * hundred devices is done by then. It counts as crowding for a moment longer, because what is on its way is not seen
 * here. */
#define CROWD_MIN 16
#define CROWD_PATIENCE_USEC (250 * USEC_PER_MSEC)
#define CROWD_LAPSE_USEC (50 * USEC_PER_MSEC)

/* How long the next call of a connection that crowds waits: a hundred times as long as the last one took, within these
 * bounds. So fewer than one in a hundred calls of the others meets one of theirs. */
#define CROWD_FACTOR 100
#define CROWD_PAUSE_MIN_USEC (150 * USEC_PER_MSEC)
#define CROWD_PAUSE_MAX_USEC (1 * USEC_PER_SEC)

/* How long a user, or a connection of a user, counts as one that wants something after its call. A call of a user may
 * stand behind thousands of others in the bus, for some 500 ms. Only while the others wait, these come here and the next
 * call does not stand behind them; so that time must be longer than 500 ms. */
#define USER_CALLED_USEC (1 * USEC_PER_SEC)
#define PEER_CALLED_USEC (250 * USEC_PER_MSEC)

struct call {
        struct scheduler *scheduler;
        sd_bus_message *message;
        struct charge charge;           /* its place and its bytes */
        void *owner;                    /* what holds it until call_resume(), or NULL */
        bool resumed;                   /* whether its handler is entered once more */
        struct authorization *authorization;    /* what polkit was asked about it, or NULL */
        struct call *prev, *next;       /* in its peer's queue */
};

/* Looks at a call before its handler does. Returns 0; 1 when it has answered the call; or a negative errno. */
typedef int (*admit_t)(sd_bus_message *message, void *userdata);

struct scheduler *scheduler_free(struct scheduler *scheduler);
DEFINE_CLEANUP_FUNC(struct scheduler *, scheduler_free)

/** scheduler_new() - from now on calls that come in are scheduled. The scheduler also does what sd_bus_attach_event()
 * would do for @bus. Returns 0 or a negative errno. */
int scheduler_new(struct scheduler **ret, sd_event *event, sd_bus *bus, struct peers *peers, admit_t admit,
                  void *userdata);

/** scheduler_drain() - the daemon is stopping: all calls are to be answered soon. */
void scheduler_drain(struct scheduler *scheduler);

/** scheduler_current() - the call whose handler is running, which must have @message. NULL if there is none. */
struct call *scheduler_current(struct scheduler *scheduler, sd_bus_message *message);

/** scheduler_serves_root() - whether the call whose handler is running, which must have @message, is root's. */
bool scheduler_serves_root(struct scheduler *scheduler, sd_bus_message *message);

/** call_of_charge() - the call that a charge belongs to. */
static inline struct call *call_of_charge(struct charge *charge) {
        return CONTAINER_OF(charge, struct call, charge);
}

/** call_hold() - the handler of the current call returns without an answer. @owner owns the call now, and @on_left
 * tells it when the call's peer leaves: it must free the call. */
void call_hold(struct call *call, void *owner, void (*on_left)(struct charge *charge));

/** call_resume() - have the handler of a held call entered once more, when its turn comes. Nobody owns it any more. */
void call_resume(struct call *call);

/** call_free() - the end of a held call, which was answered or whose peer has left. Returns NULL. */
struct call *call_free(struct call *call);
