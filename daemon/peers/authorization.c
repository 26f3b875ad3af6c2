/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests that wait for polkit. */

#include "daemon/peers/authorization.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "daemon/base/timer.h"
#include "daemon/bus/bus-util.h"
#include "daemon/bus/polkit.h"
#include "daemon/peers/scheduler.h"

/* Marks a text for xgettext. polkit's agent translates and shows it. */
#define N_(text) text

static const struct {
        const char *name;
        const char *dialog;     /* the text for a person; polkit's agent fills in $(…) from the details */
} verbs[_VERB_MAX] = {
        [VERB_CREATE] = { "create", N_("Authentication is required to create a mediated device on $(parent).") },
        [VERB_START] = { "start", N_("Authentication is required to start mediated device $(uuid) on $(parent).") },
        [VERB_STOP] = { "stop", N_("Authentication is required to stop mediated device $(uuid).") },
        [VERB_GET_ATTRIBUTES] = { "get-attributes",
                                  N_("Authentication is required to read the attributes of mediated device $(uuid).") },
        [VERB_GET_USERS] = { "get-users",
                             N_("Authentication is required to see who uses mediated device $(uuid).") },
        [VERB_DEFINE] = { "define", N_("Authentication is required to define a mediated device of $(parent).") },
        [VERB_MODIFY] = { "modify", N_("Authentication is required to change mediated device $(uuid) of $(parent).") },
        [VERB_UNDEFINE] = { "undefine",
                            N_("Authentication is required to remove the definition of mediated device $(uuid).") },
        [VERB_CANCEL] = { "cancel", N_("Authentication is required to cancel a job of mediated device $(uuid).") },
        [VERB_RELOAD] = { "reload",
                          N_("Authentication is required to read all mediated devices and definitions again.") },
        [VERB_SET_ASIDE] = { "set-aside",
                             N_("Authentication is required to change whether devices are created on $(parent).") },
};

enum state {
        STATE_IDLE,             /* no question: the call is at its handler, or waits for its turn */
        STATE_WAITING,          /* a question that polkit has not got yet */
        STATE_ASKED,            /* a question that polkit has */
};

struct authorization {
        struct authorizations *all;
        enum state state;
        struct call *call;              /* the request, which owns this */
        struct charge charge;           /* its place among the requests that wait */
        enum verb verb;
        char *uuid;                     /* empty: none yet */
        struct grants *asked;           /* the grant that the question is about, or NULL */
        struct grants *grants;          /* what was granted */
        struct polkit_check *check;     /* the question that polkit has, or NULL */
        struct authorization *prev, *next;      /* in the list of its state, unless it is idle */
};

struct authorizations {
        sd_bus *bus;
        struct scheduler *scheduler;
        bool closed;                    /* the daemon is stopping */
        struct authorization *waiting;
        struct authorization *asked;
        unsigned int n_asked;           /* the length of that list */
        sd_event_source *ask;           /* deferred */
};

static void want_to_ask(struct authorizations *all) {
        if (all->waiting)
                deferred_arm(all->ask);
}

static struct user *user_of(const struct authorization *a) {
        return a->call->charge.peer->user;
}

static void leave_list(struct authorization *a) {
        assert((a->state == STATE_IDLE) == !a->prev);

        if (a->state == STATE_ASKED) {
                a->check = polkit_withdraw(a->check);
                DL_DELETE(a->all->asked, a);
                assert(a->all->n_asked > 0 && user_of(a)->n_asked > 0);
                a->all->n_asked--;
                user_of(a)->n_asked--;
                want_to_ask(a->all);
        } else if (a->state == STATE_WAITING)
                DL_DELETE(a->all->waiting, a);
        a->prev = a->next = NULL;
        a->state = STATE_IDLE;
}

struct authorization *authorization_free(struct authorization *a) {
        if (!a)
                return NULL;

        leave_list(a);
        charge_release(&a->charge);
        grants_free(a->asked);
        grants_free(a->grants);
        free(a->uuid);
        free(a);
        return NULL;
}

/* --- the answers */

static const char *reason_of(enum polkit_answer answer) {
        switch (answer) {
        case POLKIT_CHALLENGE:
                return "this needs a password, and nobody could be asked for it; run mediatectl on a terminal, or do "
                       "it as root";
        case POLKIT_ABSENT:
                return "polkit is not available, so only root may do this; do it as root, or install polkit";
        case POLKIT_SILENT:
                return "polkit did not answer; try again, or do it as root";
        case POLKIT_BROKEN:
                return "polkit failed; see its log (journalctl -u polkit), or do it as root";
        default:
                return "polkit does not allow this; ask the administrator for a rule, or do it as root";
        }
}

static void refuse(struct authorization *a, enum polkit_answer answer) {
        char who[64] = "Not", action[64] = "";

        if (*a->uuid)
                snprintf(who, sizeof(who), "Device %s: not", a->uuid);
        if (answer == POLKIT_NO || answer == POLKIT_CHALLENGE)
                snprintf(action, sizeof(action), " (%s)", action_to_string(a->asked->items[0].action));
        (void) bus_fail(a->call->message,
                        answer == POLKIT_CHALLENGE ? FAILURE_AUTHORIZATION_REQUIRED : FAILURE_ACCESS_DENIED,
                        "%s permitted to %s%s: %s", who, verbs[a->verb].name, action, reason_of(answer));
}

static void on_answer(enum polkit_answer answer, void *userdata) {
        struct authorization *a = userdata;
        struct call *call = a->call;
        int r = 0;

        assert(a->state == STATE_ASKED && call->owner == a);

        a->check = NULL;
        leave_list(a);
        if (answer == POLKIT_YES) {
                r = grants_add(a->grants, &a->asked->items[0]);
                if (r >= 0)
                        return call_resume(call);
                bus_answer_errno(call->message, r);
        } else
                refuse(a, answer);
        call_free(call);
}

/* --- the questions */

static int ask(struct authorization *a) {
        const struct need *need = a->asked->items;
        const char *const details[] = {
                "uuid", a->uuid,
                "parent", need->parent ? need->parent : "",
                "type", need->type,
                "verb", verbs[a->verb].name,
                "polkit.message", verbs[a->verb].dialog,
                "polkit.gettext_domain", "mediated",
                NULL,
        };
        bool interactive = sd_bus_message_get_allow_interactive_authorization(a->call->message) > 0;

        return polkit_ask(&a->check, a->all->bus, a->call->charge.peer->name, action_to_string(need->action),
                          details, interactive, on_answer, a);
}

/* A question that is not answered takes a place for minutes. So a user may have no more places than half of those that
 * are free: no number of users can take all of them. */
static bool may_ask(const struct authorization *a) {
        unsigned int n = user_of(a)->n_asked, n_free = AUTHORIZATIONS_ASKED_MAX - a->all->n_asked;

        return n < AUTHORIZATIONS_ASKED_USER_MAX && 2 * n < n_free;
}

static int on_ask(sd_event_source *source, void *userdata) {
        struct authorizations *all = userdata;
        struct authorization *a, *next;
        int r;

        DL_FOREACH_SAFE(all->waiting, a, next) {
                if (!may_ask(a))
                        continue;

                leave_list(a);
                r = ask(a);
                if (r < 0) {
                        bus_answer_errno(a->call->message, r);
                        call_free(a->call);
                        continue;
                }
                a->state = STATE_ASKED;
                DL_APPEND(all->asked, a);
                all->n_asked++;
                user_of(a)->n_asked++;
        }
        return 0;
}

static void on_left(struct charge *charge) {
        call_free(call_of_charge(charge));
}

/* Holds the call until polkit has answered. */
static int begin(struct authorization *a, const struct need *need) {
        int r;

        assert(a->state == STATE_IDLE && !a->check);

        grants_free(a->asked);
        a->asked = calloc(1, sizeof(*a->asked));
        if (!a->asked)
                return -ENOMEM;
        r = grants_add(a->asked, need);
        if (r < 0)
                return r;

        call_hold(a->call, a, on_left);
        a->state = STATE_WAITING;
        DL_APPEND(a->all->waiting, a);
        want_to_ask(a->all);
        return 1;
}

static int authorization_new(struct authorizations *all, struct call *call, enum verb verb, const char *uuid) {
        struct authorization *a;
        int r;

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->all = all;
        a->call = call;
        a->verb = verb;
        a->uuid = strdup(uuid);
        a->grants = calloc(1, sizeof(*a->grants));
        r = a->uuid && a->grants
                    ? peer_charge(call->charge.peer, &a->charge,
                                  (size_t[_ACCOUNT_MAX]) { [ACCOUNT_REQUESTS] = 1, [ACCOUNT_QUESTIONS] = 1 })
                    : -ENOMEM;
        if (r < 0) {
                authorization_free(a);
                return r;
        }

        call->authorization = a;
        return 0;
}

/* Returns 0; 1 when the call was refused; or a negative errno. */
static int get_authorization(struct authorizations *all, struct call *call, enum verb verb, const char *uuid) {
        int r;

        r = call->authorization ? 0 : authorization_new(all, call, verb, uuid);
        if (r == -EDQUOT)
                return bus_fail(call->message, FAILURE_LIMITS_EXCEEDED,
                                "Too many requests are unfinished or wait for authorization: %d of a connection, %d of "
                                "a user and %d in all may wait; wait for one to finish",
                                PEER_REQUESTS_MAX, USER_QUESTIONS_MAX, OTHERS_QUESTIONS_MAX);
        return r;
}

int authorize(struct authorizations *all, sd_bus_message *message, enum verb verb, const char *uuid,
              const struct need *needs, size_t n_needs, struct grants **ret_grants) {
        struct call *call = scheduler_current(all->scheduler, message);
        int r;

        if (!call)
                return -EACCES;
        if (peer_is_root(call->charge.peer)) {
                *ret_grants = NULL;
                return 0;
        }

        if (all->closed)
                return bus_fail_stopping(message);
        r = get_authorization(all, call, verb, uuid);
        if (r != 0)
                return r;

        for (size_t i = 0; i < n_needs; i++)
                if (!grants_have(call->authorization->grants, needs + i))
                        return begin(call->authorization, needs + i);

        /* From now on, the request has a place of its own. */
        *ret_grants = TAKE_PTR(call->authorization->grants);
        call->authorization = authorization_free(call->authorization);
        return 0;
}

/* --- the end */

void authorizations_close(struct authorizations *all) {
        struct authorization **lists[] = { &all->waiting, &all->asked };

        all->closed = true;
        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                while (*lists[i]) {
                        struct call *call = (*lists[i])->call;

                        (void) bus_fail_stopping(call->message);
                        call_free(call);
                }
}

int authorizations_new(struct authorizations **ret, sd_event *event, sd_bus *bus, struct scheduler *scheduler) {
        struct authorizations *all = calloc(1, sizeof(*all));
        int r;

        if (!all)
                return -ENOMEM;
        *all = (struct authorizations) { .bus = bus, .scheduler = scheduler };
        r = deferred_new(&all->ask, event, "questions to polkit", PRIORITY_REQUESTS, on_ask, all);
        if (r < 0) {
                authorizations_free(all);
                return r;
        }
        *ret = all;
        return 0;
}

struct authorizations *authorizations_free(struct authorizations *all) {
        if (!all)
                return NULL;

        while (all->waiting)
                call_free(all->waiting->call);
        while (all->asked)
                call_free(all->asked->call);
        assert(all->n_asked == 0);
        sd_event_source_disable_unref(all->ask);
        free(all);
        return NULL;
}
