/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whose call is handled next. */

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "common/io.h"
#include "daemon/peers/scheduler.h"
#include "tests/unit/fake-bus.h"
#include "tests/unit/test.h"

#define ATTACKER 65534
#define OTHER 1

static sd_event *event;
static sd_bus *bus;                     /* the daemon's */
static sd_bus *callers;                 /* the end of all connections */
static struct peers *peers;
static struct scheduler *scheduler;

static char order[256];                 /* the arguments of the calls that were handled */
static struct call *held;               /* the last call that was held, or NULL */
static unsigned int n_left;

static void note(const char *text) {
        assert_true(strlen(order) + strlen(text) < sizeof(order));
        strcat(order, text);
}

static int method_do(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        const char *text;

        assert_true(sd_bus_message_read(message, "s", &text) > 0);
        note(text);
        return sd_bus_reply_method_return(message, NULL);
}

static void on_left(struct charge *charge) {
        n_left++;
        held = call_free(call_of_charge(charge));
}

/* Holds the call when it is entered first. */
static int method_wait(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct call *call = scheduler_current(scheduler, message);

        assert_non_null(call);
        if (call->resumed)
                return method_do(message, userdata, ret_error);
        note("(");
        call_hold(call, &held, on_left);
        held = call;
        return 1;
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Do", "s", "", method_do, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Wait", "s", "", method_wait, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static int admit(sd_bus_message *message, void *userdata) {
        return 0;
}

static int setup(void **state) {
        order[0] = '\0';
        n_left = 0;
        assert_int_equal(sd_bus_new(&bus), 0);
        fake_bus_connect(bus, &callers);
        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(peers_new(&peers), 0);
        assert_int_equal(scheduler_new(&scheduler, event, bus, peers, admit, NULL), 0);
        assert_true(sd_bus_add_object_vtable(bus, NULL, "/", "test.Test", vtable, NULL) >= 0);
        return 0;
}

static int teardown(void **state) {
        peers = peers_free(peers);
        scheduler = scheduler_free(scheduler);
        callers = sd_bus_close_unref(callers);
        bus = sd_bus_close_unref(bus);
        event = sd_event_unref(event);
        return 0;
}

static struct peer *connect_unidentified(const char *name) {
        struct peer *peer;

        assert_int_equal(peer_get(peers, name, &peer), 0);
        return peer;
}

static void connect_as(const char *name, uid_t uid) {
        peer_identify(connect_unidentified(name), uid);
}

static void call(const char *sender, const char *member, const char *text) {
        sd_bus_message *message = fake_bus_new_call(callers, sender, "/", "test.Test", member);

        assert_true(sd_bus_message_append(message, "s", text) >= 0);
        fake_bus_send(callers, message);
}

/* Until nothing is to be done. */
static void run(void) {
        while (sd_event_run(event, 0) > 0)
                ;
}

static void test_users_take_turns(void **state) {
        connect_as(":1.1", ATTACKER);
        connect_as(":1.2", OTHER);
        for (int i = 0; i < 4; i++)
                call(":1.1", "Do", "a");
        call(":1.2", "Do", "b");
        call(":1.2", "Do", "b");
        run();
        assert_string_equal(order, "ababaa");
}

static void test_connections_of_a_user_take_turns(void **state) {
        connect_as(":1.1", ATTACKER);
        connect_as(":1.2", ATTACKER);
        connect_as(":1.3", OTHER);
        for (int i = 0; i < 3; i++)
                call(":1.1", "Do", "a");
        call(":1.2", "Do", "A");
        for (int i = 0; i < 3; i++)
                call(":1.3", "Do", "b");
        run();
        assert_string_equal(order, "abAbaba");
}

static void test_root_is_first(void **state) {
        connect_as(":1.1", ATTACKER);
        connect_as(":1.2", 0);
        for (int i = 0; i < 3; i++)
                call(":1.1", "Do", "a");
        for (int i = 0; i < 3; i++)
                call(":1.2", "Do", "r");
        run();
        assert_string_equal(order, "rrraaa");
}

static void test_alone(void **state) {
        connect_as(":1.1", ATTACKER);
        call(":1.1", "Do", "a");
        /* The turn in which it is read. */
        assert_true(sd_event_run(event, 0) > 0);
        assert_string_equal(order, "a");
}

static void test_identified_later(void **state) {
        struct peer *peer = connect_unidentified(":1.1");

        call(":1.1", "Do", "a");
        call(":1.1", "Do", "A");
        run();
        assert_string_equal(order, "");
        peer_identify(peer, ATTACKER);
        run();
        assert_string_equal(order, "aA");
        assert_int_equal(peer->used[ACCOUNT_CALLS], 0);
}

/* Later calls pass one that is held. When it is resumed, it is the first one of its connection. */
static void test_hold(void **state) {
        connect_as(":1.1", ATTACKER);
        connect_as(":1.2", OTHER);
        call(":1.1", "Wait", "a)");
        call(":1.1", "Do", "A");
        run();
        assert_string_equal(order, "(A");
        call(":1.1", "Do", "B");
        call(":1.1", "Do", "C");
        call(":1.2", "Do", "b");
        call_resume(held);
        run();
        assert_string_equal(order, "(Aa)bBC");
}

static void test_leaving(void **state) {
        struct peer *peer = connect_unidentified(":1.1");

        peer_identify(peer, ATTACKER);
        connect_as(":1.2", OTHER);
        call(":1.1", "Wait", "a)");
        run();
        assert_non_null(held);
        call(":1.1", "Do", "A");
        call(":1.1", "Do", "B");
        call(":1.2", "Do", "b");
        call(":1.2", "Do", "c");
        assert_true(sd_event_run(event, 0) > 0);
        assert_string_equal(order, "(A");
        peer_leave(peer);
        assert_int_equal(n_left, 1);
        run();
        assert_string_equal(order, "(Abc");
}

static int on_event(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        note(".");
        return 0;
}

/* As long as there are calls, other events are handled between them. */
static void test_other_events(void **state) {
        sd_event_source *source = NULL;
        int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

        assert_true(sd_event_add_io(event, &source, fd, EPOLLIN, on_event, NULL) >= 0);
        connect_as(":1.1", ATTACKER);
        for (int i = 0; i < 4; i++)
                call(":1.1", "Do", "a");
        while (!strstr(order, "aa") && strlen(order) < 20)
                assert_true(sd_event_run(event, 0) > 0);
        assert_null(strstr(order, "aa"));
        assert_non_null(strstr(order, "a.a.a.a"));
        sd_event_source_disable_unref(source);
        close(fd);
}

static void test_draining(void **state) {
        struct peer *peer = connect_unidentified(":1.1");

        peer_identify(peer, ATTACKER);
        connect_as(":1.2", OTHER);
        call(":1.2", "Do", "b");
        run();
        /* Others have called a moment ago. */
        budget_charge(&peer->user->budget, &USER_BUDGET, 500 * USEC_PER_MSEC, now_usec());
        call(":1.1", "Do", "a");
        run();
        assert_string_equal(order, "b");
        scheduler_drain(scheduler);
        call(":1.2", "Do", "b");
        run();
        assert_string_equal(order, "bab");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_users_take_turns, setup, teardown),
                cmocka_unit_test_setup_teardown(test_connections_of_a_user_take_turns, setup, teardown),
                cmocka_unit_test_setup_teardown(test_root_is_first, setup, teardown),
                cmocka_unit_test_setup_teardown(test_alone, setup, teardown),
                cmocka_unit_test_setup_teardown(test_identified_later, setup, teardown),
                cmocka_unit_test_setup_teardown(test_hold, setup, teardown),
                cmocka_unit_test_setup_teardown(test_leaving, setup, teardown),
                cmocka_unit_test_setup_teardown(test_other_events, setup, teardown),
                cmocka_unit_test_setup_teardown(test_draining, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
