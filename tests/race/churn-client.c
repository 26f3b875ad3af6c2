/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* churn-client PARENT TYPE: creates and stops devices, each with a new UUID, until SIGTERM; for tests that kill
 * mediated meanwhile. Prints what was answered: `create UUID`, when asked; then `created UUID`, or `refused UUID
 * ERROR`; `stopped UUID`, or `kept UUID ERROR`. Every third device is left. */

#include <errno.h>
#include <error.h>
#include <signal.h>

#include "common/macro.h"
#include "common/uuid.h"
#include "tests/race/calls.h"

/* So that others get their turn on a machine with few processors. */
#define PAUSE_USEC (20 * USEC_PER_MSEC)

/* Left devices may be so many; then they are stopped, too. */
#define LEFT_MAX 4

/* SIGTERM is blocked: it must not interrupt a call, whose answer then would not be known. */
static bool ended(void) {
        sigset_t pending;

        return sigpending(&pending) >= 0 && sigismember(&pending, SIGTERM);
}

static bool say(const char *good, const char *bad, const char *uuid, int r, sd_bus_error *error) {
        if (r >= 0)
                printf("%s %s\n", good, uuid);
        else
                printf("%s %s %s: %s\n", bad, uuid, error->name ? error->name : "-",
                       error->message ? error->message : strerror(-r));
        fflush(stdout);
        sd_bus_error_free(error);
        return r >= 0;
}

static bool create(sd_bus *bus, const char *parent, const char *type, char ret_uuid[static UUID_TEXT_SIZE]) {
        sd_bus_error error = SD_BUS_ERROR_NULL;

        uuid_random(ret_uuid);
        printf("create %s\n", ret_uuid);
        return say("created", "refused", ret_uuid, call_create(bus, ret_uuid, parent, type, &error), &error);
}

static void stop(sd_bus *bus, const char *uuid) {
        sd_bus_error error = SD_BUS_ERROR_NULL;

        (void) say("stopped", "kept", uuid, call_stop(bus, uuid, false, &error), &error);
}

static void churn(sd_bus *bus, const char *parent, const char *type) {
        char left[LEFT_MAX][UUID_TEXT_SIZE] = {}, uuid[UUID_TEXT_SIZE];
        unsigned int n_left = 0;

        for (unsigned int i = 0; !ended(); i++) {
                (void) usleep(PAUSE_USEC);
                if (!create(bus, parent, type, uuid))
                        continue;
                if (i % 3 > 0) {
                        stop(bus, uuid);
                        continue;
                }
                /* The oldest makes place. */
                if (*left[n_left % LEFT_MAX])
                        stop(bus, left[n_left % LEFT_MAX]);
                memcpy(left[n_left++ % LEFT_MAX], uuid, sizeof(uuid));
        }
}

int main(int argc, char *argv[]) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        sigset_t mask;
        int r;

        if (argc != 3)
                error(2, 0, "Usage: churn-client PARENT TYPE");

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &mask, NULL);
        r = sd_bus_open_system(&bus);
        if (r < 0)
                error(EXIT_FAILURE, -r, "cannot connect to the system bus");
        /* The answer is what counts, on a slow machine as well. */
        (void) sd_bus_set_method_call_timeout(bus, 10 * 60 * USEC_PER_SEC);
        churn(bus, argv[1], argv[2]);
        return EXIT_SUCCESS;
}
