/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When the daemon can be called: it has its name on the bus. On a real host the bus keeps calls until then. */

#include <errno.h>
#include <systemd/sd-bus.h>

#include "common/macro.h"
#include "tests/simulator/ready.h"

#define BUS_NAME "org.mediated1"
#define TIMEOUT_USEC (20 * USEC_PER_SEC)

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return 0; /* only to wake the loop below */
}

/* A predecessor's name may not have been taken from it yet. */
static int is_ready(sd_bus *bus, pid_t pid) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint32_t owner;
        int r;

        r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                               "GetConnectionUnixProcessID", NULL, &reply, "s", BUS_NAME);
        if (r < 0)
                return r == -EHOSTUNREACH || r == -ENXIO ? 0 : r;

        r = sd_bus_message_read(reply, "u", &owner);
        return r < 0 ? r : pid == 0 || (pid_t) owner == pid;
}

/* Waits until the process, or any if 0, has the daemon's name. */
int ready_wait(pid_t pid) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        struct timespec begin, now;
        int r;

        clock_gettime(CLOCK_MONOTONIC, &begin);
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                        "org.freedesktop.DBus", "NameOwnerChanged", on_owner_changed, NULL);
        if (r < 0)
                return r;

        for (;;) {
                r = is_ready(bus, pid);
                if (r != 0)
                        return r < 0 ? r : 0;

                clock_gettime(CLOCK_MONOTONIC, &now);
                if ((uint64_t) (now.tv_sec - begin.tv_sec) * USEC_PER_SEC > TIMEOUT_USEC)
                        return -ETIMEDOUT;

                do
                        r = sd_bus_process(bus, NULL);
                while (r > 0);
                if (r >= 0)
                        r = sd_bus_wait(bus, USEC_PER_SEC);
                if (r < 0)
                        return r;
        }
}
