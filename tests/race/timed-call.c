/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* timed-call create UUID PARENT TYPE | start UUID PARENT | stop UUID | wait UUID: one call (wait: a stop with that
 * option); prints how many milliseconds its answer took and then `ok`, or the error's name and message. */

#include <errno.h>
#include <error.h>
#include <time.h>

#include "common/macro.h"
#include "tests/race/calls.h"

static double milliseconds_now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

static int call(sd_bus *bus, int argc, char *argv[], sd_bus_error *error) {
        if (argc == 5 && streq(argv[1], "create"))
                return call_create(bus, argv[2], argv[3], argv[4], error);
        if (argc == 4 && streq(argv[1], "start"))
                return call_start(bus, argv[2], argv[3], error);
        if (argc == 3 && (streq(argv[1], "stop") || streq(argv[1], "wait")))
                return call_stop(bus, argv[2], streq(argv[1], "wait"), error);
        fprintf(stderr, "Usage: timed-call create UUID PARENT TYPE | start UUID PARENT | stop UUID | wait UUID\n");
        exit(2);
}

int main(int argc, char *argv[]) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error_answered = SD_BUS_ERROR_NULL;
        double started;
        int r;

        r = sd_bus_open_system(&bus);
        if (r < 0)
                error(EXIT_FAILURE, -r, "cannot connect to the system bus");
        /* What the wait for a device in use may take is the caller's affair. */
        (void) sd_bus_set_method_call_timeout(bus, 10 * 60 * USEC_PER_SEC);

        started = milliseconds_now();
        r = call(bus, argc, argv, &error_answered);
        printf("%.1f %s%s%s\n", milliseconds_now() - started, r >= 0 ? "ok" : error_answered.name,
               r >= 0 ? "" : " ", r >= 0 ? "" : error_answered.message);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
