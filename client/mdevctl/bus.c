/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of the daemon's methods. */

#include "client/mdevctl/bus.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "client/mdevctl/tell.h"
#include "client/shared/callout.h"

int mdevctl_bus_open(sd_bus **ret) {
        int r;

        r = sd_bus_open_system(ret);
        return r < 0 ? mdevctl_fail_errno(r, "Unable to connect to the system bus") : EXIT_SUCCESS;
}

int mdevctl_bus_call(sd_bus *bus, sd_bus_message *call, struct failure *failure, sd_bus_message **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call(bus, call, UINT64_MAX, &error, ret);
        if (r >= 0)
                return 0;
        if (error.name)
                return failure_set(failure, failure_code_from_name(error.name), "%s",
                                   error.message ? error.message : error.name);
        return failure_set(failure, FAILURE_IO_ERROR, "The connection to mediated failed: %s", strerror(-r));
}

int mdevctl_bus_wait(sd_bus *bus, const size_t *n_pending, size_t limit) {
        int r = 0;

        assert(limit > 0);
        while (*n_pending >= limit && r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        return r < 0 ? r : 0;
}

static int check_callout(sd_bus *bus, const char *uuid) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        char job_uuid[UUID_TEXT_SIZE];
        uint64_t job;
        int r;

        /* No job has a UUID that the daemon will choose. */
        if (!*uuid)
                return EXIT_SUCCESS;
        r = callout_find_job(bus, &error, &job, job_uuid);
        if (r < 0)
                return mdevctl_fail("%s", error.message ? error.message : strerror(-r));
        if (r == 0 || !streq(job_uuid, uuid))
                return EXIT_SUCCESS;
        return mdevctl_fail("A callout of job %" PRIu64
                            " cannot change device %s: the request would wait for that job, "
                            "and the job for its callout", job, uuid);
}

int mdevctl_bus_open_for(const char *uuid, sd_bus **ret) {
        _cleanup_bus_ sd_bus *bus = NULL;
        int r;

        r = mdevctl_bus_open(&bus);
        if (r == EXIT_SUCCESS)
                r = check_callout(bus, uuid);
        if (r == EXIT_SUCCESS)
                *ret = TAKE_PTR(bus);
        return r;
}
