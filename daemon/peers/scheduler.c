/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading, sorting and handling of calls. */

#include "daemon/peers/scheduler.h"

#include <assert.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <time.h>
#include <utlist.h>

#include "common/io.h"
#include "daemon/base/timer.h"
#include "daemon/bus/bus-pump.h"
#include "daemon/bus/bus-util.h"
#include "daemon/bus/message-size.h"
#include "daemon/peers/authorization.h"
#include "daemon/peers/reader.h"

/* How much is read before a call is handled: a peer that sends without end must not keep others waiting. A call that
 * wants no answer and is dropped costs much less than one that waits or is refused. */
#define READING_PER_TURN 1024
#define READING_A_CALL 32
#define READING_A_DROP 1

/* How often a call is handed to its handler where memory is short. */
#define SHORTAGES_MAX 16

/* How many bytes a waiting call takes beside its text: libsystemd's object and ours. */
#define CALL_OVERHEAD 1024

struct scheduler {
        sd_bus *bus;
        struct bus_pump *pump;
        struct peers *peers;
        admit_t admit;
        void *userdata;
        bool draining;                  /* whether the daemon is stopping */
        sd_event_source *turn;          /* a timer: the next call may be handled */
        struct user *ring;              /* the users with waiting calls, the next one first; without root */
        struct user *root;              /* root, if it has waiting calls */
        struct callers users;           /* the users that called last, but for those without a budget */
        struct call *current;           /* the call whose handler is running, or NULL */
        uint64_t begin_usec;            /* the processor time when that began */
        bool entered;                   /* whether the current call has come to the filter */
        unsigned int reading;           /* the sum of READING_* since a call was handled */
};

/* --- calls */

static struct call *call_unlink(struct call *call) {
        struct peer *peer = call->charge.peer;
        struct user *user = peer->user;

        assert(call->prev);

        DL_DELETE(peer->calls, call);
        call->prev = call->next = NULL;
        if (!peer->calls && user)
                DL_DELETE(user->ring, peer);
        if (user && !user->ring) {
                if (call->scheduler->root == user)
                        call->scheduler->root = NULL;
                else
                        DL_DELETE(call->scheduler->ring, user);
        }
        return call;
}

/* A peer with its first waiting call is the last one in its ring, and so is its user. */
static void enter_rings(struct scheduler *s, struct peer *peer) {
        struct user *user = peer->user;

        if (!user->ring) {
                if (peer_is_root(peer))
                        s->root = user;
                else
                        DL_APPEND(s->ring, user);
        }
        DL_APPEND(user->ring, peer);
}

static void enqueue(struct call *call, bool first) {
        struct peer *peer = call->charge.peer;

        assert(peer && !peer->left && !call->owner && !call->prev);

        if (!peer->calls && peer->user)
                enter_rings(call->scheduler, peer);
        if (first)
                DL_PREPEND(peer->calls, call);
        else
                DL_APPEND(peer->calls, call);
        timer_arm(call->scheduler->turn, 0);
}

struct call *call_free(struct call *call) {
        if (!call)
                return NULL;

        assert(call != call->scheduler->current && !call->prev);
        authorization_free(call->authorization);
        charge_release(&call->charge);
        sd_bus_message_unref(call->message);
        free(call);
        return NULL;
}
DEFINE_CLEANUP_FUNC(struct call *, call_free)

static void on_waiting_left(struct charge *charge) {
        struct call *call = call_unlink(call_of_charge(charge));

        if (charge->peer->dropped)
                bus_answer_errno(call->message, -ENOMEM);
        call_free(call);
}

int call_charge_request(struct call *call, struct charge *charge) {
        int r;

        r = peer_charge(call->charge.peer, charge, (size_t[_ACCOUNT_MAX]) { [ACCOUNT_REQUESTS] = 1 });
        if (r >= 0)
                charge_move(&call->charge, charge, ACCOUNT_BYTES);
        return r;
}

void call_hold(struct call *call, void *owner, void (*on_left)(struct charge *charge)) {
        assert(call == call->scheduler->current && !call->owner && owner);

        call->owner = owner;
        call->charge.on_left = on_left;
}

void call_resume(struct call *call) {
        assert(call->owner && call != call->scheduler->current && call->charge.peer);

        /* It fails only for messages that are still being written. */
        (void) sd_bus_message_rewind(call->message, true);
        call->owner = NULL;
        call->resumed = true;
        call->charge.on_left = on_waiting_left;
        enqueue(call, true);
}

struct call *scheduler_current(struct scheduler *s, sd_bus_message *message) {
        return s->current && s->current->message == message ? s->current : NULL;
}

bool scheduler_serves_root(struct scheduler *s, sd_bus_message *message) {
        const struct call *call = scheduler_current(s, message);

        return call && peer_is_root(call->charge.peer);
}

/* --- whose turn it is */

/* Whether the peer crowds. Also notes how much it has under way now. A peer may have little for a moment, when many of
 * its calls are answered together. */
static bool crowds(struct peer *peer, uint64_t now) {
        if (peer->used[ACCOUNT_CALLS] + peer->used[ACCOUNT_REQUESTS] >= CROWD_MIN) {
                if (now - peer->busy_usec > CROWD_LAPSE_USEC)
                        peer->busy_since = now;
                peer->busy_usec = now;
        }
        return now - peer->busy_usec <= CROWD_LAPSE_USEC && peer->busy_usec - peer->busy_since >= CROWD_PATIENCE_USEC;
}

static bool is_spent(struct user *user, uint64_t now) {
        return user->uid != 0 && budget_ready(&user->budget, &USER_BUDGET, now) > now;
}

/* Notes that a peer has called, so that others step back. Nobody steps back for a user without a budget, or for a peer
 * that crowds. */
static void note_caller(struct scheduler *s, struct peer *peer, uint64_t now) {
        if (!is_spent(peer->user, now))
                callers_note(&s->users, peer->user, now);
        if (!crowds(peer, now))
                callers_note(&peer->user->callers, peer, now);
}

static uint64_t earlier(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

/* Where the bus takes no answers, because a connection does not read its own, they stay in memory. So calls that only
 * read wait until it has taken all of them. */
static bool is_bus_behind(const struct scheduler *s, const struct call *call) {
        uint64_t n;

        return sd_bus_get_n_queued_write(s->bus, &n) >= 0 && n > 0 && call_is_reader(call->message);
}

static uint64_t peer_ready(struct peer *peer, uint64_t now) {
        return crowds(peer, now) ? earlier(peer->user->crowd_ready_usec,
                                           callers_others_usec(&peer->user->callers, peer) + PEER_CALLED_USEC) : now;
}

static uint64_t user_ready(struct scheduler *s, struct user *user, uint64_t now) {
        return earlier(budget_ready(&user->budget, &USER_BUDGET, now),
                       callers_others_usec(&s->users, user) + USER_CALLED_USEC);
}

/* The next call of a user that has its turn, or NULL. Lowers *@ret_ready to the time when it may have one. */
static struct call *next_of_user(struct scheduler *s, struct user *user, uint64_t now, uint64_t *ret_ready) {
        struct peer *peer;

        DL_FOREACH(user->ring, peer) {
                uint64_t ready = s->draining ? now : peer_ready(peer, now);

                if (ready > now)
                        *ret_ready = earlier(*ret_ready, ready);
                else if (!is_bus_behind(s, peer->calls))
                        return peer->calls;
        }
        return NULL;
}

static struct call *next_call(struct scheduler *s, uint64_t now, uint64_t *ret_ready) {
        struct call *call = NULL;
        struct user *user;

        *ret_ready = USEC_INFINITY;
        if (s->root)
                call = next_of_user(s, s->root, now, ret_ready);
        if (call)
                return call;

        DL_FOREACH(s->ring, user) {
                uint64_t ready = s->draining ? now : user_ready(s, user, now);

                if (ready > now)
                        *ret_ready = earlier(*ret_ready, ready);
                else if ((call = next_of_user(s, user, now, ret_ready)))
                        return call;
        }
        return NULL;
}

/* After its turn, a user is the last one in the ring, and so is its peer. */
static void move_to_end(struct scheduler *s, struct peer *peer) {
        struct user *user = peer->user;

        if (peer->calls) {
                DL_DELETE(user->ring, peer);
                DL_APPEND(user->ring, peer);
        }
        if (user->ring && user != s->root) {
                DL_DELETE(s->ring, user);
                DL_APPEND(s->ring, user);
        }
}

/* --- handling */

/* Not the time of day, so that a call does not cost more when the machine is busy. */
static uint64_t processor_usec(void) {
        struct timespec ts = {};

        (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / NSEC_PER_USEC;
}

static void enter(struct scheduler *s, struct call *call) {
        assert(!s->current && call->charge.peer->user);

        s->current = call;
        s->entered = false;
        s->begin_usec = processor_usec();
        s->reading = 0;
}

static void charge_time(struct peer *peer, uint64_t usec) {
        uint64_t now = now_usec(), pause = usec * CROWD_FACTOR;

        if (!peer_is_root(peer))
                budget_charge(&peer->user->budget, &USER_BUDGET, usec, now);
        if (!crowds(peer, now))
                return;
        if (pause < CROWD_PAUSE_MIN_USEC)
                pause = CROWD_PAUSE_MIN_USEC;
        peer->user->crowd_ready_usec = now + earlier(pause, CROWD_PAUSE_MAX_USEC);
}

static void leave(struct scheduler *s) {
        struct call *call = TAKE_PTR(s->current);

        assert(call && !call->prev);

        charge_time(call->charge.peer, processor_usec() - s->begin_usec);
        if (!call->owner)
                call_free(call);
}

static void handle(struct scheduler *s, struct call *call) {
        struct peer *peer = call->charge.peer;
        int r;

        call_unlink(call)->charge.on_left = NULL;
        move_to_end(s, peer);
        enter(s, call);
        r = sd_bus_enqueue_for_read(s->bus, call->message);
        /* libsystemd may first do something else: write, or end a call of ours that had no answer in time. */
        for (unsigned int i = 0; !s->entered && (r >= 0 || (r == -ENOMEM && i < SHORTAGES_MAX)); i += r < 0)
                r = sd_bus_process(s->bus, NULL);
        /* It did not come to its handler, or not through it. */
        if (r < 0)
                bus_answer_errno(call->message, r);
        leave(s);
}

/* --- reading */

static int drop(sd_bus_message *message, int error) {
        if (!sd_bus_message_get_expect_reply(message))
                return 1;
        if (error == -EFBIG)
                return bus_fail(message, FAILURE_LIMITS_EXCEEDED, "The request is larger than %d bytes", CALL_SIZE_MAX);
        return bus_fail(message, FAILURE_LIMITS_EXCEEDED,
                        "This connection or this user has too many unanswered calls; wait for answers, then ask again");
}

/* The bus does not limit how many calls a peer makes that want no answer. */
static bool is_pointless(sd_bus_message *message) {
        return !sd_bus_message_get_expect_reply(message) && call_is_reader(message);
}

static int call_new(struct scheduler *s, sd_bus_message *message, struct call **ret) {
        _cleanup_(call_freep) struct call *call = NULL;
        size_t size;
        struct peer *peer;
        int r;

        r = message_size(message, CALL_SIZE_MAX, &size);
        if (r < 0)
                return r;
        r = peer_get(s->peers, sd_bus_message_get_sender(message), &peer);
        if (r < 0)
                return r;

        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        call->scheduler = s;
        call->message = sd_bus_message_ref(message);
        r = peer_charge(peer, &call->charge,
                        (size_t[_ACCOUNT_MAX]) { [ACCOUNT_CALLS] = 1, [ACCOUNT_BYTES] = size + CALL_OVERHEAD });
        if (r < 0)
                return r;
        *ret = TAKE_PTR(call);
        return 0;
}

/* Whether a call of @peer that was just read can be handled at once: no other one waits, or is there to be read. */
static bool is_next(struct scheduler *s, struct peer *peer, struct call *call, uint64_t now) {
        int n;

        if (!peer->user || s->current || s->root || peer->calls || ioctl(sd_bus_get_fd(s->bus), FIONREAD, &n) < 0 ||
            n > 0)
                return false;
        if (!peer_is_root(peer) && (s->ring || user_ready(s, peer->user, now) > now))
                return false;
        return peer_ready(peer, now) <= now && !is_bus_behind(s, call);
}

static int take_in(struct scheduler *s, sd_bus_message *message) {
        uint64_t now = now_usec();
        struct call *call;
        struct peer *peer;
        int r;

        r = call_new(s, message, &call);
        if (r < 0)
                return r;

        peer = call->charge.peer;
        if (is_next(s, peer, call, now))
                enter(s, call);
        else {
                call->charge.on_left = on_waiting_left;
                enqueue(call, false);
        }
        if (peer->user)
                note_caller(s, peer, now);
        return 0;
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct scheduler *s = userdata;
        int r;

        if (!sd_bus_message_is_method_call(message, NULL, NULL))
                return 0;

        if (!scheduler_current(s, message)) {
                if (!sd_bus_message_get_sender(message))
                        return -EACCES;
                r = is_pointless(message) ? -EDQUOT : take_in(s, message);
                s->reading += r < 0 && !sd_bus_message_get_expect_reply(message) ? READING_A_DROP : READING_A_CALL;
                if (r == -EDQUOT || r == -EFBIG)
                        r = drop(message, r);
                /* If the filter returned the error, libsystemd would answer, but not say that it could not. */
                if (r < 0) {
                        bus_answer_errno(message, r);
                        return 1;
                }
        }
        if (!scheduler_current(s, message))
                return 1;

        s->entered = true;
        return s->admit(message, s->userdata);
}

static bool may_read(const struct scheduler *s) {
        return s->reading < READING_PER_TURN && !peers_are_full(s->peers);
}

/* Reads what there is to read, and then has one call handled. */
static int take_turn(void *userdata) {
        struct scheduler *s = userdata;
        struct call *call;
        uint64_t ready;
        int r = 1;

        while (r > 0 && may_read(s)) {
                r = sd_bus_process(s->bus, NULL);
                if (!s->current)
                        continue;
                if (r < 0)
                        bus_answer_errno(s->current->message, r);
                r = 1;
                leave(s);
        }
        /* Without memory, messages stay in the socket, and nothing else is handled before them. */
        if (r < 0) {
                timer_disarm(s->turn);
                return r;
        }

        s->reading = 0;
        call = next_call(s, now_usec(), &ready);
        if (call) {
                handle(s, call);
                timer_arm(s->turn, 0);
                return 0;
        }

        if (ready != USEC_INFINITY)
                timer_arm_at(s->turn, ready);
        else
                timer_disarm(s->turn);
        return 0;
}

static bool is_socket_watched(void *userdata) {
        const struct scheduler *s = userdata;

        return !peers_are_full(s->peers);
}

static const struct bus_pump_hooks pump_hooks = { .process = take_turn, .may_read = is_socket_watched };

static int on_turn(sd_event_source *source, uint64_t usec, void *userdata) {
        struct scheduler *s = userdata;

        bus_pump_process(s->pump);
        return 0;
}

static void on_identified(struct peer *peer, void *userdata) {
        struct scheduler *s = userdata;

        if (!peer->calls)
                return;
        enter_rings(s, peer);
        note_caller(s, peer, now_usec());
        timer_arm(s->turn, 0);
}

static const struct peers_hooks peers_hooks = { .on_identified = on_identified };

void scheduler_drain(struct scheduler *s) {
        s->draining = true;
}

struct scheduler *scheduler_free(struct scheduler *s) {
        if (!s)
                return NULL;

        assert(!s->current && !s->ring && !s->root);
        bus_pump_free(s->pump);
        sd_event_source_disable_unref(s->turn);
        free(s);
        return NULL;
}

int scheduler_new(struct scheduler **ret, sd_event *event, sd_bus *bus, struct peers *peers, admit_t admit,
                  void *userdata) {
        _cleanup_(scheduler_freep) struct scheduler *s = NULL;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        *s = (struct scheduler) { .bus = bus, .peers = peers, .admit = admit, .userdata = userdata };
        r = bus_pump_new(&s->pump, bus, event, "calls", PRIORITY_REQUESTS, &pump_hooks, s);
        if (r >= 0)
                r = timer_new(&s->turn, event, "turn of a call", PRIORITY_REQUESTS, TIMER_EXACT_USEC, on_turn, s);
        if (r >= 0)
                r = sd_bus_add_filter(bus, NULL, on_message, s);
        if (r < 0)
                return r;

        peers_set_hooks(peers, &peers_hooks, s);
        *ret = TAKE_PTR(s);
        return 0;
}
