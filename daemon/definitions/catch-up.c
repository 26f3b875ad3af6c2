/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An answer must contain what the caller has written before.
 *
 * inotify has the change in its queue before the call is sent, but the daemon may read the call first. So the call
 * waits for a barrier, an event that is put into inotify's queue after the call was read. Then it waits until the store
 * has looked at all files that were named before the barrier. One barrier serves all calls that wait. */

#include "daemon/definitions/catch-up.h"

#include <errno.h>
#include <utlist.h>

#include "daemon/definitions/barrier.h"
#include "daemon/definitions/store.h"
#include "daemon/peers/scheduler.h"

/* For how many of the store's lists a call waits. The first one may have been begun before the barrier. The second one
 * has all files that were named before the barrier. If that named the whole store, the third one has its directories.
 * What is left then is half written, or was changed later: a writer that never rests delays nobody. */
#define LISTS_MAX 3

enum stage {
        STAGE_NEXT_BARRIER,     /* the call came when a barrier was raised already, and needs the next one */
        STAGE_BARRIER,          /* the barrier is raised */
        STAGE_LOOKS,            /* the barrier has passed, and the store looks at files */
};

struct waiting {
        struct catch_up *catch_up;
        struct call *call;      /* which is held */
        enum stage stage;
        unsigned int n_lists;   /* how many the store has worked off in STAGE_LOOKS */
        struct waiting *prev, *next;
};

struct catch_up {
        struct store *store;
        struct barrier *barrier;
        struct waiting *waiting;        /* in the order in which they came */
};

static void waiting_free(struct waiting *waiting) {
        DL_DELETE(waiting->catch_up->waiting, waiting);
        free(waiting);
}

static void drop(struct waiting *waiting) {
        call_free(waiting->call);
        waiting_free(waiting);
}

static void on_left(struct charge *charge) {
        drop(call_of_charge(charge)->owner);
}

/* The store hurries only for calls whose barrier has passed. While it hurries, events are read slowly, and the other
 * calls wait for events. */
static void resume_ready(struct catch_up *catch_up) {
        struct waiting *waiting, *next;

        DL_FOREACH_SAFE(catch_up->waiting, waiting, next)
                if (waiting->stage == STAGE_LOOKS &&
                    (waiting->n_lists >= LISTS_MAX || !store_hurry(catch_up->store))) {
                        call_resume(waiting->call);
                        waiting_free(waiting);
                }
}

static void on_barrier_passed(void *userdata) {
        struct catch_up *catch_up = userdata;
        struct waiting *waiting, *next;
        bool again = false;

        DL_FOREACH_SAFE(catch_up->waiting, waiting, next)
                if (waiting->stage == STAGE_BARRIER)
                        waiting->stage = STAGE_LOOKS;
                else if (waiting->stage == STAGE_NEXT_BARRIER) {
                        waiting->stage = STAGE_BARRIER;
                        again = true;
                }
        resume_ready(catch_up);
        /* Without a barrier, a call waits for what is known to have changed. */
        if (again && barrier_raise(catch_up->barrier) < 0)
                on_barrier_passed(catch_up);
}

void catch_up_store_looked(struct catch_up *catch_up) {
        struct waiting *waiting;

        if (!catch_up->waiting)
                return;
        DL_FOREACH(catch_up->waiting, waiting)
                waiting->n_lists += waiting->stage == STAGE_LOOKS;
        resume_ready(catch_up);
}

int catch_up(struct catch_up *catch_up, struct call *call) {
        struct waiting *waiting;
        int r = 0;

        if (!call)
                return -EACCES;
        if (call->resumed)
                return 0;

        waiting = calloc(1, sizeof(*waiting));
        if (!waiting)
                return -ENOMEM;
        *waiting = (struct waiting) {
                .catch_up = catch_up,
                .call = call,
                .stage = barrier_is_raised(catch_up->barrier) ? STAGE_NEXT_BARRIER : STAGE_BARRIER,
        };
        DL_APPEND(catch_up->waiting, waiting);
        if (waiting->stage == STAGE_BARRIER)
                r = barrier_raise(catch_up->barrier);
        if (r < 0) {
                waiting_free(waiting);
                return r;
        }
        call_hold(call, waiting, on_left);
        return 1;
}

int catch_up_new(struct catch_up **ret, sd_event *event, struct store *store) {
        _cleanup_(catch_up_freep) struct catch_up *catch_up = NULL;
        int r;

        catch_up = calloc(1, sizeof(*catch_up));
        if (!catch_up)
                return -ENOMEM;
        catch_up->store = store;
        r = barrier_new(&catch_up->barrier, event, on_barrier_passed, catch_up);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(catch_up);
        return 0;
}

struct catch_up *catch_up_free(struct catch_up *catch_up) {
        if (!catch_up)
                return NULL;

        while (catch_up->waiting)
                drop(catch_up->waiting);
        barrier_free(catch_up->barrier);
        free(catch_up);
        return NULL;
}
