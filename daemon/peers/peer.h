/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connections that call the daemon (peers), and the users that they belong to.
 *
 * daemon/peers/ decides which calls are handled, and in which order: who a caller is and how much it may have (this
 * file), whose call is next (scheduler.h, with budget.h and reader.h), and what it may do (authorization.h). It owns
 * peers, users, calls that wait, and questions to polkit. It knows nothing of what the calls are about: their handlers
 * are entered by libsystemd. It tells the owner of a charge when its peer has left.
 *
 * A peer is known from its first call until it leaves the bus. The bus is asked once to which user it belongs, and no
 * call of it is handled before the answer is there. The question goes over a second connection to the bus: on the first
 * one, its answer would come behind everything that others have sent.
 *
 * Whatever the daemon keeps for a peer is charged to the peer, to its user and, unless that is root, to all users but
 * root together. A struct charge is embedded in what is kept. peer_charge() is the only place that looks at the limits.
 * What others have does not limit root. */

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
        ACCOUNT_CALLS,          /* calls that wait or are held */
        ACCOUNT_BYTES,          /* the memory that these and the messages of jobs take */
        ACCOUNT_REQUESTS,       /* unfinished jobs, questions for attributes, and requests that wait for polkit */
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

/* What a user may have whatever the other users have. */
#define USER_CALLS_MIN 16
#define USER_BYTES_MIN (512 * 1024)
#define USER_REQUESTS_MIN 16

/* With more bytes than this from peers that are not identified yet, no more messages are read until some are. */
#define UNIDENTIFIED_BYTES_MAX (1024 * 1024)

#define USER_UNKNOWN ((uid_t) -1)

/* What is charged to a peer. It is embedded in what is kept for the peer, whose owner releases it. */
struct charge {
        struct peer *peer;              /* the peer that is charged, or NULL */
        size_t amounts[_ACCOUNT_MAX];

        /* The peer has left the bus. Called once; it may release this and other charges. Optional. */
        void (*on_left)(struct charge *charge);

        struct charge *prev, *next;     /* in the peer's list */
};

struct user {
        uid_t uid;                      /* USER_UNKNOWN if the bus does not tell it */
        size_t used[_ACCOUNT_MAX];      /* the sums of what its peers have */
        unsigned int n_peers;
        unsigned int n_asked;           /* the number of its questions that polkit has, see authorization.c */
        struct share share;             /* the turns of its work, unless it is root */
        struct budget budget;           /* the daemon's time that it may use */
        struct callers callers;         /* those of its peers that called last, but for peers that crowd */
        uint64_t crowd_ready_usec;      /* the time of the next call of its peers that crowd */
        struct peer *ring;              /* its peers with waiting calls, the next one first */
        struct user *prev, *next;       /* in the scheduler's ring */
        UT_hash_handle hh;              /* by uid */
};

enum peer_state {
        PEER_TO_BE_IDENTIFIED,
        PEER_BEING_IDENTIFIED,  /* the bus has the question */
        PEER_IDENTIFIED,        /* its user is known, or it has left */
};

struct peer {
        struct peers *peers;
        enum peer_state state;
        char *name;                     /* its unique name, which the bus never gives to another connection */
        struct user *user;              /* its user, or NULL until it is identified */
        bool left;                      /* whether it has left the bus */
        bool dropped;                   /* whether it counts as left because there was no memory to serve it */
        unsigned int n_references;      /* the number of its charges, and 1 while it is on the bus */
        size_t used[_ACCOUNT_MAX];      /* the sums of its charges */
        struct charge *charges;
        struct share share;             /* the turns of its work, if it is root's */
        uint64_t busy_usec;             /* the last time when it had much under way, see scheduler.c */
        uint64_t busy_since;            /* the time since when it has much under way, apart from moments */
        struct call *calls;             /* its waiting calls in their order, see scheduler.c */
        sd_bus_slot *identify_slot;     /* the question to which user it belongs */
        struct peer *prev, *next;       /* in the list of peers to be identified, then in its user's ring */
        UT_hash_handle hh;              /* by name */
};

struct peers_hooks {
        /* A peer is identified, so that its calls may be handled. */
        void (*on_identified)(struct peer *peer, void *userdata);
};

/** peers_new() - no peer is known, and none is identified before peers_connect(). Returns 0 or -ENOMEM. */
int peers_new(struct peers **ret);

/** peers_connect() - connect to the bus a second time, to learn which users peers belong to, and when they leave.
 * @on_disconnected is called when that connection is lost. Returns 0 or a negative errno. */
int peers_connect(struct peers *peers, sd_event *event, sd_bus_message_handler_t on_disconnected, void *userdata);

/** peers_free() - all peers leave; their charges must be released by that. Returns NULL. */
struct peers *peers_free(struct peers *peers);
DEFINE_CLEANUP_FUNC(struct peers *, peers_free)

/** peers_set_hooks() - call @hooks from now on. */
void peers_set_hooks(struct peers *peers, const struct peers_hooks *hooks, void *userdata);

/** peers_are_full() - whether peers that are not identified yet have as many bytes as they may have. */
bool peers_are_full(const struct peers *peers);

/** peer_get() - the peer with the unique name @name. An unknown one is added, and will be identified. Returns 0 or a
 * negative errno. */
int peer_get(struct peers *peers, const char *name, struct peer **ret);

/** peer_identify() - @peer belongs to @uid. */
void peer_identify(struct peer *peer, uid_t uid);

/** peer_leave() - @peer has left the bus: the owners of its charges are told. It is freed with its last charge. */
void peer_leave(struct peer *peer);

/** peer_is_root() - whether @peer is known to be root's. NULL is not. */
bool peer_is_root(const struct peer *peer);

/** peer_share() - the share that work for @peer takes its turn in. Each peer of root has one; another user has one for
 * all of its peers. */
struct share *peer_share(struct peer *peer);

/** peer_charge() - charge @amounts to @peer and its user. Returns 0; or -EDQUOT, and nothing is charged, if one of them
 * would have more than it may have. */
int peer_charge(struct peer *peer, struct charge *charge, const size_t amounts[static _ACCOUNT_MAX]);

/** charge_move() - move what @from has of @account to @to, a charge of the same peer. It never fails. */
void charge_move(struct charge *from, struct charge *to, enum account account);

/** charge_release() - what was charged is not kept any more. Harmless for a charge without a peer. */
void charge_release(struct charge *charge);
