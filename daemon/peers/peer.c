/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Peers, users, and what is charged to them. */

#include "daemon/peers/peer.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "common/bus-names.h"
#include "common/io.h"
#include "daemon/base/log.h"
#include "daemon/bus/bus-pump.h"

/* How many questions the bus has at the same time. dbus-daemon allows a connection 128 unanswered calls. */
#define IDENTIFYING_MAX 64

/* The limits of one account. */
struct limit {
        size_t peer, user, root, others;        /* those of a peer, a user, root, and all users but root */
        size_t user_min;                        /* the part of `user` that does not depend on `others` */
};

static const struct limit limits[_ACCOUNT_MAX] = {
        [ACCOUNT_CALLS] = { PEER_CALLS_MAX, USER_CALLS_MAX, ROOT_CALLS_MAX, OTHERS_CALLS_MAX, USER_CALLS_MIN },
        [ACCOUNT_BYTES] = { PEER_BYTES_MAX, USER_BYTES_MAX, ROOT_BYTES_MAX, OTHERS_BYTES_MAX, USER_BYTES_MIN },
        [ACCOUNT_REQUESTS] = { PEER_REQUESTS_MAX, USER_REQUESTS_MAX, ROOT_REQUESTS_MAX, OTHERS_REQUESTS_MAX,
                               USER_REQUESTS_MIN },
        [ACCOUNT_QUESTIONS] = { PEER_REQUESTS_MAX, USER_QUESTIONS_MAX, SIZE_MAX, OTHERS_QUESTIONS_MAX,
                                USER_REQUESTS_MIN },
};

struct peers {
        sd_bus *bus;                    /* the second connection, or NULL before peers_connect() */
        struct bus_pump *pump;
        struct peer *table;             /* the peers on the bus, by name */
        struct user *users;             /* by uid */
        struct peer *unidentified;      /* the peers that the bus is to be asked about */
        unsigned int n_identifying;     /* the number of questions that the bus has */
        size_t unidentified_bytes;      /* the bytes of peers that are not identified */
        size_t others[_ACCOUNT_MAX];    /* the sums of all users but root */
        const struct peers_hooks *hooks;
        void *userdata;
};

/* --- charges */

static bool is_root(const struct user *user) {
        return user->uid == 0;
}

static bool is_too_much(const struct peer *peer, enum account account, size_t amount) {
        const struct limit *limit = limits + account;
        const struct user *user = peer->user;

        if (amount == 0)
                return false;
        if (peer->used[account] + amount > limit->peer)
                return true;
        if (!user)
                return false;
        if (is_root(user))
                return user->used[account] + amount > limit->root;
        return user->used[account] + amount > limit->user ||
               (peer->peers->others[account] + amount > limit->others &&
                user->used[account] + amount > limit->user_min);
}

/* Limits are not looked at. */
static void add_to_user(struct peer *peer, const size_t amounts[static _ACCOUNT_MAX]) {
        for (enum account account = 0; account < _ACCOUNT_MAX; account++) {
                peer->user->used[account] += amounts[account];
                if (!is_root(peer->user))
                        peer->peers->others[account] += amounts[account];
        }
}

static void take_from_user(struct peer *peer, const size_t amounts[static _ACCOUNT_MAX]) {
        for (enum account account = 0; account < _ACCOUNT_MAX; account++) {
                assert(peer->user->used[account] >= amounts[account]);
                peer->user->used[account] -= amounts[account];
                if (!is_root(peer->user))
                        peer->peers->others[account] -= amounts[account];
        }
}

int peer_charge(struct peer *peer, struct charge *charge, const size_t amounts[static _ACCOUNT_MAX]) {
        assert(peer->n_references > 0 && !charge->peer);

        for (enum account account = 0; account < _ACCOUNT_MAX; account++)
                if (is_too_much(peer, account, amounts[account]))
                        return -EDQUOT;

        for (enum account account = 0; account < _ACCOUNT_MAX; account++) {
                charge->amounts[account] = amounts[account];
                peer->used[account] += amounts[account];
        }
        if (peer->user)
                add_to_user(peer, amounts);
        else
                peer->peers->unidentified_bytes += amounts[ACCOUNT_BYTES];

        charge->peer = peer;
        DL_APPEND(peer->charges, charge);
        peer->n_references++;
        return 0;
}

void charge_move(struct charge *from, struct charge *to, enum account account) {
        assert(from->peer && from->peer == to->peer);

        to->amounts[account] += from->amounts[account];
        from->amounts[account] = 0;
}

/* --- peers and users */

static void user_free(struct peers *peers, struct user *user) {
        assert(user->n_peers == 0 && !user->ring && user->n_asked == 0);
        for (enum account account = 0; account < _ACCOUNT_MAX; account++)
                assert(user->used[account] == 0);

        HASH_DEL(peers->users, user);
        free(user);
}

/* A user without peers is kept for as long as its budget is not full: a new connection does not fill it. */
static void forget_users(struct peers *peers, uint64_t now) {
        struct user *user, *next;

        HASH_ITER(hh, peers->users, user, next)
                if (user->n_peers == 0 && now - user->budget.charged_usec >= BUDGET_REST_USEC)
                        user_free(peers, user);
}

static struct user *user_get(struct peers *peers, uid_t uid) {
        struct user *user;

        HASH_FIND(hh, peers->users, &uid, sizeof(uid), user);
        if (user)
                return user;

        forget_users(peers, now_usec());
        user = calloc(1, sizeof(*user));
        if (!user)
                return NULL;
        user->uid = uid;
        HASH_ADD(hh, peers->users, uid, sizeof(user->uid), user);
        if (user->hh.tbl)
                return user;
        free(user);
        return NULL;
}

static void stop_identifying(struct peer *peer) {
        if (peer->state == PEER_TO_BE_IDENTIFIED)
                DL_DELETE(peer->peers->unidentified, peer);
        else if (peer->state == PEER_BEING_IDENTIFIED) {
                peer->identify_slot = sd_bus_slot_unref(peer->identify_slot);
                peer->peers->n_identifying--;
        }
        peer->state = PEER_IDENTIFIED;
}

static void peer_unref(struct peer *peer) {
        assert(peer->n_references > 0);
        if (--peer->n_references > 0)
                return;

        assert(peer->left && !peer->calls && !peer->charges);
        assert(peer->state == PEER_IDENTIFIED);
        if (peer->user) {
                assert(peer->user->n_peers > 0);
                peer->user->n_peers--;
        }
        free(peer->name);
        free(peer);
}

void charge_release(struct charge *charge) {
        struct peer *peer = charge->peer;

        if (!peer)
                return;

        for (enum account account = 0; account < _ACCOUNT_MAX; account++) {
                assert(peer->used[account] >= charge->amounts[account]);
                peer->used[account] -= charge->amounts[account];
        }
        if (peer->user)
                take_from_user(peer, charge->amounts);
        else
                peer->peers->unidentified_bytes -= charge->amounts[ACCOUNT_BYTES];
        DL_DELETE(peer->charges, charge);
        *charge = (struct charge) {};
        peer_unref(peer);
}

static struct charge *find_listener(struct peer *peer) {
        struct charge *charge;

        DL_FOREACH(peer->charges, charge)
                if (charge->on_left)
                        return charge;
        return NULL;
}

void peer_leave(struct peer *peer) {
        struct charge *charge;

        assert(!peer->left);
        log_debug("Connection %s has left the bus", peer->name);
        stop_identifying(peer);
        HASH_DEL(peer->peers->table, peer);
        peer->left = true;

        /* One function may release other charges as well, so that each search begins at the first one. */
        while ((charge = find_listener(peer))) {
                void (*on_left)(struct charge *charge) = charge->on_left;

                charge->on_left = NULL;
                on_left(charge);
        }
        peer_unref(peer);
}

/* The owners of its calls answer them. With its next call it is a new peer. */
static void drop(struct peer *peer) {
        peer->dropped = true;
        peer_leave(peer);
}

void peer_identify(struct peer *peer, uid_t uid) {
        struct peers *peers = peer->peers;

        assert(!peer->user && !peer->left);
        stop_identifying(peer);
        peer->user = user_get(peers, uid);
        if (!peer->user)
                return drop(peer);

        peer->user->n_peers++;
        peers->unidentified_bytes -= peer->used[ACCOUNT_BYTES];
        /* That may be more than the user may have. These calls are accepted already, and are not refused any more. */
        add_to_user(peer, peer->used);
        if (peers->hooks)
                peers->hooks->on_identified(peer, peers->userdata);
}

static void identify_next(struct peers *peers);

static int on_user(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct peer *peer = userdata;
        struct peers *peers = peer->peers;
        uint32_t uid = USER_UNKNOWN;

        if (sd_bus_message_is_method_error(message, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                peer_leave(peer);
        else {
                if (!sd_bus_message_is_method_error(message, NULL))
                        (void) sd_bus_message_read(message, "u", &uid);
                peer_identify(peer, uid);
        }
        identify_next(peers);
        return 0;
}

static void identify_next(struct peers *peers) {
        while (peers->bus && peers->unidentified && peers->n_identifying < IDENTIFYING_MAX) {
                struct peer *peer = peers->unidentified;
                int r;

                r = sd_bus_call_method_async(peers->bus, &peer->identify_slot, BUS_DRIVER, BUS_DRIVER_PATH, BUS_DRIVER,
                                             "GetConnectionUnixUser", on_user, peer, "s", peer->name);
                if (r < 0) {
                        log_warning_errno(r, "Failed to ask the bus about connection %s, dropping its calls: %m",
                                          peer->name);
                        drop(peer);
                        continue;
                }
                DL_DELETE(peers->unidentified, peer);
                peer->state = PEER_BEING_IDENTIFIED;
                peers->n_identifying++;
        }
}

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct peers *peers = userdata;
        struct peer *peer;
        const char *name;

        if (sd_bus_message_read(message, "sss", &name, NULL, NULL) < 0)
                return 0;
        HASH_FIND_STR(peers->table, name, peer);
        if (peer) {
                peer_leave(peer);
                identify_next(peers);
        }
        return 0;
}

static int on_watching(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *error = sd_bus_message_get_error(message);

        if (error)
                log_warning("Failed to watch which connections leave the bus, ignoring: %s", error->message);
        return 0;
}

int peer_get(struct peers *peers, const char *name, struct peer **ret) {
        struct peer *peer;

        HASH_FIND_STR(peers->table, name, peer);
        if (peer) {
                *ret = peer;
                return 0;
        }

        peer = calloc(1, sizeof(*peer));
        if (!peer)
                return -ENOMEM;
        *peer = (struct peer) { .peers = peers, .name = strdup(name), .n_references = 1 };
        if (!peer->name) {
                free(peer);
                return -ENOMEM;
        }
        HASH_ADD_KEYPTR(hh, peers->table, peer->name, strlen(peer->name), peer);
        if (!peer->hh.tbl) {
                free(peer->name);
                free(peer);
                return -ENOMEM;
        }
        DL_APPEND(peers->unidentified, peer);

        peer->n_references++;
        identify_next(peers);
        if (peer->left) {
                peer_unref(peer);
                return -ENOMEM;
        }
        peer->n_references--;
        *ret = peer;
        return 0;
}

bool peer_is_root(const struct peer *peer) {
        return peer && peer->user && is_root(peer->user);
}

struct share *peer_share(struct peer *peer) {
        return peer_is_root(peer) ? &peer->share : &peer->user->share;
}

bool peers_are_full(const struct peers *peers) {
        return peers->unidentified_bytes >= UNIDENTIFIED_BYTES_MAX;
}

void peers_set_hooks(struct peers *peers, const struct peers_hooks *hooks, void *userdata) {
        peers->hooks = hooks;
        peers->userdata = userdata;
}

static int process(void *userdata) {
        struct peers *peers = userdata;

        return sd_bus_process(peers->bus, NULL);
}

static const struct bus_pump_hooks pump_hooks = { .process = process };

int peers_connect(struct peers *peers, sd_event *event, sd_bus_message_handler_t on_disconnected, void *userdata) {
        int r;

        r = sd_bus_open_system(&peers->bus);
        if (r < 0)
                return r;
        r = sd_bus_match_signal(peers->bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, userdata);
        if (r < 0)
                return r;
        /* When a connection leaves, its unique name has no owner any more. The rule is in place before the first
         * question is asked: if a peer leaves before the bus answers, the answer says so, and if it leaves later, the
         * rule does. */
        r = sd_bus_add_match_async(peers->bus, NULL,
                                   "type='signal',sender='" BUS_DRIVER "',path='" BUS_DRIVER_PATH "',"
                                   "interface='" BUS_DRIVER "',member='NameOwnerChanged',arg2=''",
                                   on_owner_changed, on_watching, peers);
        if (r < 0)
                return r;
        return bus_pump_new(&peers->pump, peers->bus, event, "connections", PRIORITY_PEERS, &pump_hooks, peers);
}

int peers_new(struct peers **ret) {
        struct peers *peers = calloc(1, sizeof(*peers));

        if (!peers)
                return -ENOMEM;
        *ret = peers;
        return 0;
}

struct peers *peers_free(struct peers *peers) {
        struct user *user, *next_user;
        struct peer *peer, *next;

        if (!peers)
                return NULL;

        HASH_ITER(hh, peers->table, peer, next)
                peer_leave(peer);
        HASH_ITER(hh, peers->users, user, next_user)
                user_free(peers, user);
        assert(!peers->unidentified && peers->n_identifying == 0 && peers->unidentified_bytes == 0);
        bus_pump_free(peers->pump);
        sd_bus_close_unref(peers->bus);
        free(peers);
        return NULL;
}
