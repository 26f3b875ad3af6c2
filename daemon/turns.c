/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bus delivers calls in the order in which they came. A connection that has a hundred under way would have a hundred
 * handled before anybody else's next one. So all that is there to be read is read first, which is cheap, and sorted by
 * sender; then each sender has his turn. A call that comes alone is not held up by that. */

#include "daemon/turns.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <utlist.h>

#include "common/io.h"
#include "common/macro.h"
#include "daemon/bus-util.h"
#include "daemon/gate.h"
#include "daemon/manager.h"
#include "daemon/message-size.h"
#include "daemon/pace.h"
#include "daemon/sender.h"

/* So much is read before a call is handled at the latest: who only ever sends cannot keep others waiting. */
#define READING_PER_TURN 1024
#define READING_A_CALL 32               /* one that waits then, */
#define READING_A_DROP 1                /* or is dropped */

#define PRECISION_USEC (1 * USEC_PER_MSEC)

struct waiting_call {
        sd_bus_message *message;
        bool large;
        struct waiting_call *prev, *next;
};

struct turns {
        struct manager *manager;
        sd_bus *bus;
        sd_event_source *source;
        sd_event_source *timer;         /* for those whose turn may not come before */
        struct sender *ring;            /* those with calls that wait */
        struct pace pace;
        sd_bus_message *called;         /* its turn has come */
        bool crowds;                    /* it is of those that do */
        unsigned int reading;           /* since then */
        unsigned int n_calls, n_large;  /* that wait */
};

static const char *name_of(sd_bus_message *message) {
        const char *name = sd_bus_message_get_sender(message);

        return name ? name : "";
}

static void call_free(struct turns *turns, struct sender *sender, struct waiting_call *call) {
        DL_DELETE(sender->calls, call);
        sender->n_calls--;
        turns->n_calls--;
        turns->n_large -= call->large;
        sd_bus_message_unref(call->message);
        free(call);
}

static void drop_calls(struct turns *turns, struct sender *sender) {
        while (sender->calls)
                call_free(turns, sender, sender->calls);
        DL_DELETE(turns->ring, sender);
}

/* Whose turn it is: the first one that may have it. NULL when there is none; then @ret_ready is when there will be. */
static struct sender *find_ready(struct turns *turns, uint64_t now, uint64_t *ret_ready) {
        uint64_t first = UINT64_MAX;
        struct sender *sender;

        DL_FOREACH(turns->ring, sender) {
                uint64_t ready = pace_ready_usec(&turns->pace, turns->manager, sender, sender->calls->message, now);

                if (ready <= now)
                        return sender;
                if (ready < first)
                        first = ready;
        }
        *ret_ready = first;
        return NULL;
}

/* Gives the next one its turn: it comes back to on_message(), before anything else that is to be read. */
static void call_next(struct turns *turns) {
        uint64_t now = now_usec(), ready;
        sd_bus_message *message;
        struct sender *sender;
        int r;

        if (turns->called || !turns->ring)
                return;

        sender = find_ready(turns, now, &ready);
        if (!sender) {
                (void) sd_event_source_set_time(turns->timer, ready);
                (void) sd_event_source_set_enabled(turns->timer, SD_EVENT_ONESHOT);
                (void) sd_event_source_set_enabled(turns->source, SD_EVENT_OFF);
                return;
        }

        turns->crowds = pace_begin(&turns->pace, turns->manager, sender, sender->calls->message, now);
        message = sd_bus_message_ref(sender->calls->message);
        call_free(turns, sender, sender->calls);
        DL_DELETE(turns->ring, sender);
        if (sender->calls)
                DL_APPEND(turns->ring, sender);

        turns->reading = 0;
        r = sd_bus_enqueue_for_read(turns->bus, message);
        if (r < 0) {
                (void) sd_bus_reply_method_errno(message, r, NULL);
                sd_bus_message_unref(message);
                return;
        }
        turns->called = message;
}

/* Nobody else is to be handled before. */
static bool is_alone(struct turns *turns, struct sender *sender, sd_bus_message *message) {
        uint64_t now = now_usec(), ready;
        int n;

        if (turns->called || sender->calls || ioctl(sd_bus_get_fd(turns->bus), FIONREAD, &n) < 0 || n > 0)
                return false;
        if (turns->ring && find_ready(turns, now, &ready))
                return false;
        if (pace_ready_usec(&turns->pace, turns->manager, sender, message, now) > now)
                return false;
        (void) pace_begin(&turns->pace, turns->manager, sender, message, now);
        return true;
}

/* Returns -EDQUOT when there is no room, -EFBIG when there is none for such a one. */
static int let_wait(struct turns *turns, struct sender *sender, sd_bus_message *message) {
        struct waiting_call *call;
        int large;

        large = message_is_larger(message, TURNS_CALL_SIZE);
        if (large > 0 && message_is_larger(message, REQUEST_SIZE_MAX) > 0)
                return -EFBIG;
        if (large < 0)
                return large;
        if (large && turns->n_large >= TURNS_LARGE_MAX)
                return -EDQUOT;

        /* Whoever has none waiting finds room whatever others have taken. */
        if (sender->n_calls >= TURNS_CALLS_MAX || (sender->calls && turns->n_calls >= TURNS_MAX))
                return -EDQUOT;
        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        call->message = sd_bus_message_ref(message);
        call->large = large;
        if (!sender->calls)
                DL_APPEND(turns->ring, sender);
        DL_APPEND(sender->calls, call);
        sender->n_calls++;
        turns->n_calls++;
        turns->n_large += call->large;
        return sd_event_source_set_enabled(turns->source, SD_EVENT_ON);
}

static int drop(sd_bus_message *message, int error) {
        if (!sd_bus_message_get_expect_reply(message))
                return 1;
        if (error == -EFBIG)
                return bus_fail(message, FAILURE_LIMITS_EXCEEDED, "The request is larger than %d bytes", REQUEST_SIZE_MAX);
        return bus_fail(message, FAILURE_LIMITS_EXCEEDED,
                        "Too much is asked for at once, by this connection or by all; wait for answers");
}

/* Who asks and does not want to know is the one who can ask without end. */
static bool is_pointless(sd_bus_message *message) {
        return !sd_bus_message_get_expect_reply(message) && gate_is_reader(message);
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct turns *turns = userdata;
        struct sender *sender;
        int r;

        if (message == turns->called) {
                turns->called = sd_bus_message_unref(turns->called);
                return 0;
        }
        if (!sd_bus_message_is_method_call(message, NULL, NULL))
                return 0;

        if (is_pointless(message))
                r = -EDQUOT;
        else {
                sender = sender_get(turns->manager, name_of(message));
                if (!sender)
                        return -ENOMEM;
                if (is_alone(turns, sender, message))
                        return 0;
                r = let_wait(turns, sender, message);
        }
        turns->reading += r < 0 ? READING_A_DROP : READING_A_CALL;
        if (turns->reading >= READING_PER_TURN)
                call_next(turns);
        if (r == -EDQUOT || r == -EFBIG)
                return drop(message, r);
        return r < 0 ? r : 1;
}

static int on_turn(sd_event_source *source, void *userdata) {
        struct turns *turns = userdata;
        bool handled = false;
        uint64_t begin;

        /* First all is read that is there, and sorted. sd-bus alone would come to what is queued by a timer that it sets
         * anew in each turn of the loop, and so never while inotify or udev have something to tell. */
        for (unsigned int i = 0; i < READING_PER_TURN && sd_bus_process(turns->bus, NULL) > 0; i++)
                ;
        call_next(turns);
        begin = now_usec();
        while (turns->called && sd_bus_process(turns->bus, NULL) > 0)
                handled = true;
        if (handled && turns->crowds)
                pace_end(&turns->pace, now_usec(), now_usec() - begin);
        return turns->ring ? 0 : sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct turns *turns = userdata;

        return sd_event_source_set_enabled(turns->source, SD_EVENT_ON);
}

int turns_send_on(struct turns *turns, sd_bus_message *message) {
        int r;

        r = sd_bus_enqueue_for_read(turns->bus, message);
        return r < 0 ? r : sd_event_source_set_enabled(turns->source, SD_EVENT_ON);
}

struct turns *turns_free(struct turns *turns) {
        if (!turns)
                return NULL;

        while (turns->ring)
                drop_calls(turns, turns->ring);
        sd_bus_message_unref(turns->called);
        sd_event_source_disable_unref(turns->timer);
        sd_event_source_disable_unref(turns->source);
        free(turns);
        return NULL;
}

int turns_new(struct turns **ret, struct manager *manager) {
        _cleanup_(turns_freep) struct turns *turns = NULL;
        int r;

        turns = calloc(1, sizeof(*turns));
        if (!turns)
                return -ENOMEM;
        turns->manager = manager;
        turns->bus = manager->bus;
        r = sd_event_add_defer(manager->event, &turns->source, on_turn, turns);
        if (r >= 0)
                r = sd_event_source_set_enabled(turns->source, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(manager->event, &turns->timer, CLOCK_MONOTONIC, 0, PRECISION_USEC, on_timer, turns);
        if (r >= 0)
                r = sd_event_source_set_enabled(turns->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_bus_add_filter(manager->bus, NULL, on_message, turns);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(turns);
        return 0;
}
