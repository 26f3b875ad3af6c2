/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A bus that is a pair of sockets. */

#include "tests/unit/fake-bus.h"

#include <sys/socket.h>

#include "common/macro.h"
#include "tests/unit/test.h"

void fake_bus_connect(sd_bus *bus, sd_bus **ret_callers) {
        sd_bus *callers;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        assert_int_equal(sd_bus_new(&callers), 0);
        assert_true(sd_bus_set_fd(bus, fds[0], fds[0]) >= 0 && sd_bus_set_fd(callers, fds[1], fds[1]) >= 0);
        assert_true(sd_bus_set_server(bus, true, (sd_id128_t) {}) >= 0);
        assert_true(sd_bus_start(bus) >= 0 && sd_bus_start(callers) >= 0);
        while (!sd_bus_is_ready(bus) || !sd_bus_is_ready(callers))
                assert_true(sd_bus_process(bus, NULL) >= 0 && sd_bus_process(callers, NULL) >= 0);
        *ret_callers = callers;
}

sd_bus_message *fake_bus_new_call(sd_bus *callers, const char *sender, const char *path, const char *interface,
                                  const char *member) {
        sd_bus_message *call = NULL;

        assert_true(sd_bus_message_new_method_call(callers, &call, NULL, path, interface, member) >= 0);
        assert_true(sd_bus_message_set_sender(call, sender) >= 0);
        return call;
}

void fake_bus_send(sd_bus *callers, sd_bus_message *call) {
        uint64_t cookie;

        /* Without a cookie it would be a call that wants no answer. */
        assert_true(sd_bus_send(callers, call, &cookie) >= 0 && sd_bus_flush(callers) >= 0);
        sd_bus_message_unref(call);
}
