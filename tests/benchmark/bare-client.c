/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The least that a command can do which asks mediated for something: load libsystemd, greet the bus, call, end.
 *
 *     bare-client create UUID PARENT TYPE
 *     bare-client stop UUID */

#include <errno.h>
#include <systemd/sd-bus.h>

#include "common/macro.h"
#include "tests/race/calls.h"

static int call(sd_bus *bus, int argc, char *argv[], sd_bus_error *error) {
        if (argc == 5 && streq(argv[1], "create"))
                return call_create(bus, argv[2], argv[3], argv[4], error);
        if (argc == 3 && streq(argv[1], "stop"))
                return call_stop(bus, argv[2], false, error);
        return -EINVAL;
}

int main(int argc, char *argv[]) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = call(bus, argc, argv, &error);
        if (r < 0)
                fprintf(stderr, "bare-client: %s\n", error.message ?: strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
