/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A parent's driver as far as it matters here: it takes time, it fails, it hangs. */

#include <errno.h>
#include <utlist.h>

#include "tests/simulator/driver.h"
#include "tests/simulator/node.h"

typedef struct Wait {
        struct Wait *next;
        Driver *driver;
        Operation operation;
        driver_then_t then;
        void *userdata;
        sd_event_source *source;
} Wait;

typedef struct Failure {
        struct Failure *next;
        char *what;
        int error;
        unsigned n_skip;
        unsigned n;
} Failure;

static const char *const operation_table[_OPERATION_MAX] = {
        [OPERATION_CREATE] = "create",
        [OPERATION_ENTER] = "enter",
        [OPERATION_REMOVE] = "remove",
        [OPERATION_RELEASE] = "release",
        [OPERATION_READ] = "read",
        [OPERATION_WRITE] = "write",
        [OPERATION_UEVENT] = "uevent",
        [OPERATION_NUMVFS] = "sriov_numvfs",
        [OPERATION_TYPES] = "types",
        [OPERATION_MANAGE] = "sriov-manage",
        [OPERATION_VGPU_TYPE] = "current_vgpu_type",
        [OPERATION_PLUGIN] = "plugin",
        [OPERATION_PATIENCE] = "patience",
        [OPERATION_WEDGE] = "wedge",
};

Operation operation_from_string(const char *string) {
        for (Operation i = 0; i < _OPERATION_MAX; i++)
                if (streq(operation_table[i], string))
                        return i;

        return _OPERATION_INVALID;
}

static void wait_end(Wait *wait) {
        driver_then_t then = wait->then;
        void *userdata = wait->userdata;

        wait->driver->n_waiting--;
        sd_event_source_unref(wait->source);
        free(wait);
        then(userdata);
}

static void wait_over(Wait *wait) {
        Driver *driver = wait->driver;

        if (driver->hangs[wait->operation])
                LL_APPEND(driver->hung, wait);
        else
                wait_end(wait);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        wait_over(userdata);
        return 0;
}

static int on_defer(sd_event_source *source, void *userdata) {
        wait_over(userdata);
        return 0;
}

/* In these, several writers can be at the same time, even if they take no time. */
static bool is_window(Operation operation) {
        return operation == OPERATION_ENTER || operation == OPERATION_VGPU_TYPE;
}

/* Continues when the driver has done its part: at once if it takes no time, never if it hangs and is not
 * resumed. */
void driver_run(Driver *driver, Operation operation, driver_then_t then, void *userdata) {
        uint64_t delay = driver->delays[operation];
        Wait *wait;
        int r;

        if (delay == 0 && !driver->hangs[operation] && !is_window(operation)) {
                then(userdata);
                return;
        }

        wait = must(calloc(1, sizeof(Wait)));
        *wait = (Wait) {.driver = driver, .operation = operation, .then = then, .userdata = userdata};

        driver->n_waiting++;

        /* Never within the caller: what else has been written to the same file by now enters with it. */
        if (delay == 0)
                r = sd_event_add_defer(driver->event, &wait->source, on_defer, wait);
        else
                r = sd_event_add_time_relative(driver->event, &wait->source, CLOCK_MONOTONIC, delay, 1, on_time,
                                               wait);
        if (r < 0)
                abort();
}

/* Ends every hang; what comes from now on does not hang. */
void driver_resume(Driver *driver) {
        Wait *hung = TAKE_PTR(driver->hung), *wait, *next;

        memset(driver->hangs, 0, sizeof(driver->hangs));
        LL_FOREACH_SAFE(hung, wait, next)
                wait_end(wait);
}

static void failure_free(Driver *driver, Failure *failure) {
        LL_DELETE(driver->failures, failure);
        free(failure->what);
        free(failure);
}

/* After n_skip that go well, the next n fail. A new one for the same thing replaces the old one, n 0 ends it. */
void driver_set_failure(Driver *driver, const char *what, int error, unsigned n_skip, unsigned n) {
        Failure *failure, *next;

        LL_FOREACH_SAFE(driver->failures, failure, next)
                if (streq(failure->what, what))
                        failure_free(driver, failure);

        if (n == 0)
                return;

        failure = must(calloc(1, sizeof(Failure)));
        *failure = (Failure) {.what = must(strdup(what)), .error = error, .n_skip = n_skip, .n = n};
        LL_PREPEND(driver->failures, failure);
}

/* Returns 0, or the negative errno with which this write or read is to fail. */
int driver_take_failure(Driver *driver, const char *what) {
        Failure *failure;
        int error;

        LL_FOREACH(driver->failures, failure)
                if (streq(failure->what, what))
                        break;

        if (!failure)
                return 0;

        if (failure->n_skip > 0) {
                failure->n_skip--;
                return 0;
        }

        error = failure->error;
        if (--failure->n == 0)
                failure_free(driver, failure);
        return -error;
}
