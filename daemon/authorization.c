/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests that wait for polkit. */

#include "daemon/authorization.h"

#include <errno.h>
#include <limits.h>
#include <utlist.h>

#include "daemon/bus-util.h"
#include "daemon/client.h"
#include "daemon/manager.h"
#include "daemon/polkit.h"
#include "daemon/requests.h"
#include "daemon/turns.h"

/* For xgettext; polkit's agent shows them, translated by the domain that goes with them. */
#define N_(text) text

static const struct {
        const char *name;
        const char *dialog;     /* with $(…) for what the details say */
} verbs[_VERB_MAX] = {
        [VERB_CREATE] = { "create", N_("Authentication is required to create a mediated device on $(parent).") },
        [VERB_START] = { "start", N_("Authentication is required to start mediated device $(uuid) on $(parent).") },
        [VERB_STOP] = { "stop", N_("Authentication is required to stop mediated device $(uuid).") },
        [VERB_GET_ATTRIBUTES] = { "get-attributes",
                                  N_("Authentication is required to read the attributes of mediated device $(uuid).") },
        [VERB_DEFINE] = { "define", N_("Authentication is required to define a mediated device of $(parent).") },
        [VERB_MODIFY] = { "modify", N_("Authentication is required to change mediated device $(uuid) of $(parent).") },
        [VERB_UNDEFINE] = { "undefine",
                            N_("Authentication is required to remove the definition of mediated device $(uuid).") },
        [VERB_CANCEL] = { "cancel", N_("Authentication is required to cancel a job of mediated device $(uuid).") },
        [VERB_RELOAD] = { "reload", N_("Authentication is required to read all mediated devices and definitions again.") },
};

enum state {
        STATE_WAITING,          /* for its turn to be asked */
        STATE_ASKED,
        STATE_ANSWERED,         /* with yes, and on its way to the handler again */
        _STATE_MAX,
};

struct user {
        uid_t uid;
        unsigned int n;
        unsigned int n_asked;
        UT_hash_handle hh;
};

struct authorization {
        struct manager *manager;
        struct client *client;
        struct user *user;
        sd_bus_message *message;
        enum verb verb;
        char *uuid;
        struct grants *asked;           /* the one that polkit is asked for */
        struct grants *grants;
        struct polkit_check *check;
        enum state state;
        struct authorization *prev, *next;
};

struct authorizations {
        struct manager *manager;
        struct user *users;
        unsigned int n;
        unsigned int n_asked;
        struct authorization *lists[_STATE_MAX];
        struct authorization *entered;  /* whose message is at its handler; in no list */
};

static int user_acquire(struct authorizations *all, uid_t uid, struct user **ret) {
        struct user *user;

        HASH_FIND(hh, all->users, &uid, sizeof(uid), user);
        if (!user) {
                user = calloc(1, sizeof(*user));
                if (!user)
                        return -ENOMEM;
                user->uid = uid;
                HASH_ADD(hh, all->users, uid, sizeof(user->uid), user);
        }
        if (user->n >= AUTHORIZATIONS_USER_MAX)
                return -EDQUOT;

        user->n++;
        all->n++;
        *ret = user;
        return 0;
}

static void user_release(struct authorizations *all, struct user *user) {
        all->n--;
        if (--user->n > 0)
                return;

        HASH_DEL(all->users, user);
        free(user);
}

static void set_state(struct authorization *a, enum state state) {
        struct authorizations *all = a->manager->authorizations;
        int asked = (state == STATE_ASKED) - (a->state == STATE_ASKED);

        a->user->n_asked += (unsigned int) asked;
        all->n_asked += (unsigned int) asked;
        DL_DELETE(all->lists[a->state], a);
        DL_APPEND(all->lists[state], a);
        a->state = state;
}

/* Of one that is in no list any more. */
static struct authorization *authorization_free(struct authorization *a) {
        if (!a)
                return NULL;

        if (a->user)
                user_release(a->manager->authorizations, a->user);
        client_release(a->client);
        sd_bus_message_unref(a->message);
        grants_free(a->asked);
        grants_free(a->grants);
        free(a->uuid);
        free(a);
        return NULL;
}
DEFINE_CLEANUP_FUNC(struct authorization *, authorization_free)

static struct authorization *leave_list(struct authorization *a) {
        struct authorizations *all = a->manager->authorizations;

        a->check = polkit_withdraw(a->check);
        if (a->state == STATE_ASKED)
                set_state(a, STATE_WAITING);
        DL_DELETE(all->lists[a->state], a);
        return a;
}

/* --- the answers */

static const char *reason_of(enum polkit_answer answer) {
        switch (answer) {
        case POLKIT_CHALLENGE:
                return "it needs a password, and nobody could be asked for it; allow that (mediatectl does on a terminal), or "
                       "do it as root";
        case POLKIT_ABSENT:
                return "only root may do it, as polkit is not there to allow it to others; do it as root, or install polkit";
        case POLKIT_SILENT:
                return "polkit, which has to allow it, did not answer; ask again, or do it as root";
        case POLKIT_BROKEN:
                return "polkit, which has to allow it, failed; see its log, or do it as root";
        default:
                return "polkit does not allow that; ask the administrator for a rule, or do it as root";
        }
}

static void refuse(struct authorization *a, enum polkit_answer answer) {
        char who[64] = "Not", action[64] = "";

        if (*a->uuid)
                snprintf(who, sizeof(who), "Device %s: not", a->uuid);
        if (answer == POLKIT_NO || answer == POLKIT_CHALLENGE)
                snprintf(action, sizeof(action), " (%s)", action_to_string(a->asked->items[0].action));
        (void) bus_fail(a->message, answer == POLKIT_CHALLENGE ? FAILURE_AUTHORIZATION_REQUIRED : FAILURE_ACCESS_DENIED,
                        "%s permitted to %s%s: %s", who, verbs[a->verb].name, action, reason_of(answer));
}

static void ask_next(struct authorizations *all);

static int send_on(struct authorization *a) {
        int r;

        r = grants_add(a->grants, &a->asked->items[0]);
        if (r < 0)
                return r;
        r = sd_bus_message_rewind(a->message, true);
        if (r < 0)
                return r;
        return turns_send_on(a->manager->turns, a->message);
}

static void on_answer(enum polkit_answer answer, void *userdata) {
        struct authorization *a = userdata;
        struct authorizations *all = a->manager->authorizations;
        int r = 0;

        a->check = NULL;
        set_state(a, STATE_ANSWERED);
        if (answer == POLKIT_YES)
                r = send_on(a);
        else
                refuse(a, answer);
        if (r < 0)
                (void) sd_bus_reply_method_errno(a->message, r, NULL);
        if (r < 0 || answer != POLKIT_YES)
                authorization_free(leave_list(a));
        ask_next(all);
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
        bool interactive = sd_bus_message_get_allow_interactive_authorization(a->message) > 0;

        return polkit_ask(&a->check, a->manager->bus, a->client->name, action_to_string(need->action), details, interactive,
                          on_answer, a);
}

static void ask_next(struct authorizations *all) {
        struct authorization *a, *next;
        int r;

        DL_FOREACH_SAFE(all->lists[STATE_WAITING], a, next) {
                if (all->n_asked >= AUTHORIZATIONS_ASKED_MAX)
                        break;
                if (a->user->n_asked >= AUTHORIZATIONS_ASKED_USER_MAX)
                        continue;

                r = ask(a);
                if (r >= 0)
                        set_state(a, STATE_ASKED);
                else {
                        (void) sd_bus_reply_method_errno(a->message, r, NULL);
                        authorization_free(leave_list(a));
                }
        }
}

/* Puts the message aside. */
static int begin(struct authorization *a, const struct need *need) {
        struct authorizations *all = a->manager->authorizations;
        int r;

        grants_free(a->asked);
        a->asked = calloc(1, sizeof(*a->asked));
        if (!a->asked)
                return -ENOMEM;
        r = grants_add(a->asked, need);
        if (r < 0)
                return r;

        a->state = STATE_WAITING;
        DL_APPEND(all->lists[STATE_WAITING], a);
        ask_next(all);
        return 1;
}

static int authorization_new(struct client *client, sd_bus_message *message, enum verb verb, const char *uuid,
                             struct authorization **ret) {
        _cleanup_(authorization_freep) struct authorization *a = NULL;
        struct authorizations *all = client->manager->authorizations;
        int r;

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->manager = client->manager;
        a->verb = verb;
        a->message = sd_bus_message_ref(message);
        a->uuid = strdup(uuid);
        a->grants = calloc(1, sizeof(*a->grants));
        if (!a->uuid || !a->grants)
                return -ENOMEM;

        r = client_acquire(client);
        if (r < 0)
                return r;
        a->client = client;
        r = all->n < AUTHORIZATIONS_MAX ? user_acquire(all, client->uid, &a->user) : -EDQUOT;
        if (r < 0)
                return r;

        *ret = TAKE_PTR(a);
        return 0;
}

static struct authorization *take_entered(struct authorizations *all, sd_bus_message *message) {
        struct authorization *a = all->entered;

        if (!a || a->message != message)
                return NULL;
        all->entered = NULL;
        return a;
}

bool request_is_privileged(struct manager *manager, sd_bus_message *message) {
        struct client *client = client_find(manager, sd_bus_message_get_sender(message));

        return client && client_is_root(client);
}

static int fail_name(sd_bus_message *message, const char *uuid) {
        return bus_fail(message, FAILURE_INVALID_ARGS, "Device %s: the name of the parent or of the type is too long", uuid);
}

int authorize(struct manager *manager, sd_bus_message *message, enum verb verb, const char *uuid, const struct need *needs,
              size_t n_needs, struct grants **ret_grants) {
        _cleanup_(authorization_freep) struct authorization *a = NULL;
        struct client *client = client_find(manager, sd_bus_message_get_sender(message));
        int r;

        /* Nothing gets here without having passed the gate. */
        if (!client || !client->identified)
                return -EACCES;
        if (client_is_root(client)) {
                *ret_grants = NULL;
                return 0;
        }

        a = take_entered(manager->authorizations, message);
        r = request_refuse_draining(manager, message);
        if (r != 0)
                return r;
        if (!a) {
                r = authorization_new(client, message, verb, uuid, &a);
                if (r == -EDQUOT)
                        return bus_fail(message, FAILURE_LIMITS_EXCEEDED,
                                        "Too many requests wait for authorization or to be done: %d of a connection, %d of a "
                                        "user and %d in all are the limit; wait for one to finish",
                                        CLIENT_JOBS_MAX, AUTHORIZATIONS_USER_MAX, AUTHORIZATIONS_MAX);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < n_needs; i++) {
                const struct need *need = needs + i;

                if (grants_have(a->grants, need))
                        continue;
                if ((need->parent && strlen(need->parent) > NAME_MAX) || strlen(need->type) > NAME_MAX)
                        return fail_name(message, uuid);
                r = begin(a, need);
                if (r > 0)
                        TAKE_PTR(a);
                return r;
        }

        *ret_grants = TAKE_PTR(a->grants);
        return 0;
}

void authorization_enter(struct manager *manager, sd_bus_message *message) {
        struct authorizations *all = manager->authorizations;
        struct authorization *a;

        /* Its object was gone, so that it had no handler. */
        all->entered = authorization_free(all->entered);

        DL_FOREACH(all->lists[STATE_ANSWERED], a)
                if (a->message == message) {
                        all->entered = leave_list(a);
                        return;
                }
}

/* --- the ends */

void authorization_drop(struct client *client) {
        struct authorizations *all = client->manager->authorizations;
        struct authorization *a, *next;

        for (enum state state = 0; state < _STATE_MAX; state++)
                DL_FOREACH_SAFE(all->lists[state], a, next)
                        if (a->client == client)
                                authorization_free(leave_list(a));
        if (all->entered && all->entered->client == client)
                all->entered = authorization_free(all->entered);
        ask_next(all);
}

/* Those that were answered get it from their handler. */
void authorizations_refuse(struct manager *manager) {
        struct authorizations *all = manager->authorizations;

        for (enum state state = 0; state < STATE_ANSWERED; state++)
                while (all->lists[state]) {
                        struct authorization *a = leave_list(all->lists[state]);

                        (void) request_refuse_draining(manager, a->message);
                        authorization_free(a);
                }
}

int authorizations_new(struct authorizations **ret, struct manager *manager) {
        struct authorizations *all = calloc(1, sizeof(*all));

        if (!all)
                return -ENOMEM;
        all->manager = manager;
        *ret = all;
        return 0;
}

struct authorizations *authorizations_free(struct authorizations *all) {
        if (!all)
                return NULL;

        for (enum state state = 0; state < _STATE_MAX; state++)
                while (all->lists[state])
                        authorization_free(leave_list(all->lists[state]));
        authorization_free(all->entered);
        free(all);
        return NULL;
}
