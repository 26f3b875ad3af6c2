/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whose call is handled next.
 *
 * The bus delivers calls in the order in which they came. A connection with a hundred calls under way would have all of
 * them handled before the next call of any other connection. So the scheduler reads all that there is to read, which is
 * cheap, and sorts it. Users are in a ring. Each user has a ring of its peers, and each peer has a queue of its calls.
 * In its turn, a user has one call of one of its peers handled. Root comes before the ring. A call that comes alone is
 * handled at once.
 *
 * Two things keep a caller that asks without end from taking its full share. A user whose budget (budget.h) is used up
 * waits, as long as another user, one with a budget, has called a moment ago. And a peer that always has much under way
 * crowds. It waits after each call, as long as another peer of its user, one that does not crowd, has called a moment
 * ago. This is also true of root's peers.
 *
 * A call is an object from the time when it is read until it is answered, or until its message is kept by what will
 * answer it later. A handler that cannot go on yet holds the call (call_hold()), and resumes it when it can. The call
 * keeps its place in all accounts, waits for its turn, and its handler is entered again. Calls of one peer are handled
 * in their order, but later ones do not wait for one that is held. */

#include "daemon/peers/peer.h"

struct authorization;
struct scheduler;

/* How many bytes a call may have: four times what a definition may have. */
#define CALL_SIZE_MAX (256 * 1024)

/* When a user has used up the burst, it has a tenth of the time. A command for a few dozen devices takes less than the
 * burst. */
#define USER_BUDGET ((const struct budget_rule) { .factor = 10, .burst_usec = 100 * USEC_PER_MSEC })

/* A peer crowds when it has had CROWD_MIN calls and requests or more under way for CROWD_PATIENCE_USEC. A command for a
 * few hundred devices is done by then. It may have less for CROWD_LAPSE_USEC, because calls that are still on the bus
 * are not seen here. */
#define CROWD_MIN 16
#define CROWD_PATIENCE_USEC (250 * USEC_PER_MSEC)
#define CROWD_LAPSE_USEC (50 * USEC_PER_MSEC)

/* How long the next call of a peer that crowds waits: a hundred times as long as its last one took, within these
 * bounds. So less than one in a hundred calls of other peers has to wait for a call of such a peer. */
#define CROWD_FACTOR 100
#define CROWD_PAUSE_MIN_USEC (150 * USEC_PER_MSEC)
#define CROWD_PAUSE_MAX_USEC (1 * USEC_PER_SEC)

/* How long after its call a user, or a connection of a user, counts as one that wants something. A call may stand for
 * 500 ms behind thousands of calls of another user in the queue of the bus. These must come here, where they wait,
 * before the next call is sent, or else it stands behind them again. So a user counts for longer than 500 ms. */
#define USER_CALLED_USEC (1 * USEC_PER_SEC)
#define PEER_CALLED_USEC (250 * USEC_PER_MSEC)

struct call {
        struct scheduler *scheduler;
        sd_bus_message *message;
        struct charge charge;           /* its place and its bytes */
        void *owner;                    /* what holds it until call_resume(), or NULL */
        bool resumed;                   /* whether its handler was entered before */
        struct authorization *authorization;    /* the questions to polkit about it, or NULL */
        struct call *prev, *next;       /* in its peer's queue, while it waits */
};

/* Looks at a call before its handler is entered. Returns 0; 1 when it has answered the call; or a negative errno. */
typedef int (*admit_t)(sd_bus_message *message, void *userdata);

struct scheduler *scheduler_free(struct scheduler *scheduler);
DEFINE_CLEANUP_FUNC(struct scheduler *, scheduler_free)

/** scheduler_new() - schedule the calls that come in on @bus from now on. It takes the place of sd_bus_attach_event().
 * Returns 0 or a negative errno. */
int scheduler_new(struct scheduler **ret, sd_event *event, sd_bus *bus, struct peers *peers, admit_t admit,
                  void *userdata);

/** scheduler_drain() - the daemon is stopping: no call waits for a budget any more. */
void scheduler_drain(struct scheduler *scheduler);

/** scheduler_current() - the call whose handler is running, if @message is its message; else NULL. */
struct call *scheduler_current(struct scheduler *scheduler, sd_bus_message *message);

/** scheduler_serves_root() - whether there is such a call, and it is root's. */
bool scheduler_serves_root(struct scheduler *scheduler, sd_bus_message *message);

/** call_of_charge() - the call that @charge is embedded in. */
static inline struct call *call_of_charge(struct charge *charge) {
        return CONTAINER_OF(charge, struct call, charge);
}

/** call_charge_request() - charge a request that outlives the call to the same peer, and move the bytes of the call to
 * it. Returns 0; or -EDQUOT, and nothing is charged. */
int call_charge_request(struct call *call, struct charge *charge);

/** call_hold() - the handler of the current call will return without an answer. @owner owns the call now. @on_left is
 * called when the call's peer leaves, and must free the call. */
void call_hold(struct call *call, void *owner, void (*on_left)(struct charge *charge));

/** call_resume() - have the handler of a held call entered again when its turn comes. The scheduler owns the call
 * again. */
void call_resume(struct call *call);

/** call_free() - free a held call, which was answered or whose peer has left. Returns NULL. */
struct call *call_free(struct call *call);
