/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who asks: connections to the bus (peers), and the users that they belong to.
 *
 * A peer is known from its first call until it leaves the bus. The bus is asked once to which user it belongs, and no
 * call of it is handled before the answer is there. Until then it belongs to the user "unidentified". That question
 * goes over a second connection to the bus: on the first one, its answer would stand behind everything that others have
 * sent.
 *
 * Whatever the daemon keeps for a peer is charged to the peer, to its user and, if that is not root, to all users but
 * root: a struct charge is embedded in what is kept. Limits are looked at in one place, peer_charge(). Nothing that
 * others can fill limits root. The owner of a charge hears when the peer leaves. */

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <uthash.h>

#include "common/macro.h"
#include "daemon/peers/budget.h"
#include "daemon/workers/worker.h"

struct call;
struct peers;

enum account {
        ACCOUNT_CALLS,          /* method calls that are not handled yet, or held */
        ACCOUNT_BYTES,          /* their size in memory, and that of the messages of jobs */
        ACCOUNT_REQUESTS,       /* unfinished jobs, and requests that wait for polkit */
        ACCOUNT_QUESTIONS,      /* requests that wait for polkit */
        _ACCOUNT_MAX,
};

/* The limits of one connection; dbus-daemon itself allows 128 unanswered calls. */
#define PEER_CALLS_MAX 128
#define PEER_BYTES_MAX (1024 * 1024)
#define PEER_REQUESTS_MAX 100

/* The limits of one user, of root, and of all users but root together. */
#define USER_CALLS_MAX 4096
#define USER_BYTES_MAX (8 * 1024 * 1024)
#define USER_REQUESTS_MAX 1024
#define USER_QUESTIONS_MAX 256
#define ROOT_CALLS_MAX 16384
#define ROOT_BYTES_MAX (32 * 1024 * 1024)
#define ROOT_REQUESTS_MAX 4096
#define OTHERS_CALLS_MAX 16384
#define OTHERS_BYTES_MAX (16 * 1024 * 1024)
#define OTHERS_REQUESTS_MAX 4096
#define OTHERS_QUESTIONS_MAX 1024

/* What a user has whatever the other users have taken. */
#define USER_CALLS_MIN 16
#define USER_BYTES_MIN (512 * 1024)
#define USER_REQUESTS_MIN 16

/* With more than this from connections that are not identified yet, no further messages are read until some are. */
#define UNIDENTIFIED_BYTES_MAX (1024 * 1024)

#define USER_UNKNOWN ((uid_t) -1)

struct charge {
        struct peer *peer;              /* the one that is charged, or NULL */
        size_t amounts[_ACCOUNT_MAX];

        /* The peer has left the bus; the charge may be released here. Optional. */
        void (*on_left)(struct charge *charge);

        struct charge *prev, *next;     /* in the peer's list */
};

struct user {
        uid_t uid;                      /* USER_UNKNOWN if the bus does not tell */
        size_t used[_ACCOUNT_MAX];
        unsigned int n_peers;
        unsigned int n_asked;           /* questions that polkit has, see authorization.c */
        struct share share;             /* of the workers, unless it is root */
        struct budget budget;
        struct callers callers;         /* its peers that have called last and do not crowd */
        uint64_t crowd_ready_usec;      /* the time from which on one of its peers that crowd may have its next call */
        struct peer *ring;              /* its peers with waiting calls; the next one comes first */
        struct user *prev, *next;       /* in the scheduler's ring */
        UT_hash_handle hh;              /* by uid */
};

enum peer_state {
        PEER_TO_BE_IDENTIFIED,
        PEER_BEING_IDENTIFIED,  /* the bus has the question */
        PEER_IDENTIFIED,        /* or gone */
};

struct peer {
        struct peers *peers;
        enum peer_state state;
        char *name;                     /* its unique name on the bus, which is never given to another one */
        struct user *user;              /* NULL until it is identified */
        bool left;                      /* whether it has left the bus */
        bool dropped;                   /* or could not be served, for lack of memory */
        unsigned int n_references;      /* its charges, and 1 while it is on the bus */
        size_t used[_ACCOUNT_MAX];
        struct charge *charges;
        struct share share;             /* of the workers, if it is root's */
        uint64_t busy_usec;             /* the time at which it last had much under way */
        uint64_t busy_since;            /* the time since which it has, but for moments */
        struct call *calls;             /* its waiting calls in their order, see scheduler.c */
        sd_bus_slot *identify_slot;     /* the question to whom it belongs */
        struct peer *prev, *next;       /* in the list of those that are to be identified, then in its user's ring */
        UT_hash_handle hh;              /* by name */
};

struct peers_hooks {
        /* A peer is identified: its calls may be handled from now on. */
        void (*on_identified)(struct peer *peer, void *userdata);
};

/** peers_new() - nobody is known. Returns 0 or -ENOMEM. */
int peers_new(struct peers **ret);

/** peers_connect() - connect to the bus a second time, to learn to whom connections belong and when they leave.
 * @on_disconnected: called when that connection is lost. Returns 0 or a negative errno. */
int peers_connect(struct peers *peers, sd_event *event, sd_bus_message_handler_t on_disconnected, void *userdata);

/** peers_free() - all charges must be released. Returns NULL. */
struct peers *peers_free(struct peers *peers);
DEFINE_CLEANUP_FUNC(struct peers *, peers_free)

/** peers_set_hooks() - from now on tell @hooks what happens. */
void peers_set_hooks(struct peers *peers, const struct peers_hooks *hooks, void *userdata);

/** peers_are_full() - whether connections that are not identified yet have as much here as they may have. */
bool peers_are_full(const struct peers *peers);

/** peer_get() - the peer with a unique name, made known if it is not. Returns 0 or a negative errno. */
int peer_get(struct peers *peers, const char *name, struct peer **ret);

/** peer_identify() - @peer belongs to @uid. */
void peer_identify(struct peer *peer, uid_t uid);

/** peer_leave() - @peer has left the bus. It is gone when nothing is charged to it any more. */
void peer_leave(struct peer *peer);

/** peer_is_root() - whether it is identified as root's. NULL: false. */
bool peer_is_root(const struct peer *peer);

/** peer_share() - the share of the workers that its work has a turn in: root's connections have one each, other users
 * have one. */
struct share *peer_share(struct peer *peer);

/** peer_charge() - charge @amounts to @peer and its user. Returns 0, or -EDQUOT and charges nothing if it is too much
 * for one of them. */
int peer_charge(struct peer *peer, struct charge *charge, const size_t amounts[static _ACCOUNT_MAX]);

/** charge_move() - move what @from has of @account to @to, which is charged to the same peer. Never refused. */
void charge_move(struct charge *from, struct charge *to, enum account account);

/** charge_release() - the end of what was charged. Harmless for a charge without a peer. */
void charge_release(struct charge *charge);
