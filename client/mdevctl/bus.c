/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon, as mdevctl's commands ask it. */

#include "client/mdevctl/bus.h"

#include <errno.h>
#include <inttypes.h>

#include "client/mdevctl/tell.h"

int mdevctl_bus_open(sd_bus **ret) {
        int r;

        r = sd_bus_open_system(ret);
        return r < 0 ? mdevctl_fail_errno(r, "Unable to connect to the system bus") : EXIT_SUCCESS;
}

int mdevctl_bus_new_call(sd_bus *bus, const char *member, sd_bus_message **ret) {
        return sd_bus_message_new_method_call(bus, ret, BUS_NAME, BUS_ROOT,
                                              BUS_MANAGER, member);
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

int mdevctl_bus_append_attributes(sd_bus_message *call, const struct attributes *attributes) {
        int r;

        r = sd_bus_message_open_container(call, 'a', "(ss)");
        for (size_t i = 0; i < attributes->n && r >= 0; i++)
                r = sd_bus_message_append(call, "(ss)", attributes->items[i].name, attributes->items[i].value);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

/* The UUID of an unfinished job; empty if there is none of that number. */
static int find_job(sd_bus *bus, uint64_t wanted, char ret[static UUID_TEXT_SIZE]) {
        _cleanup_failure_ struct failure failure = {};
        _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
        const char *uuid;
        uint64_t id;
        int r;

        ret[0] = '\0';
        r = mdevctl_bus_new_call(bus, "ListJobs", &call);
        if (r < 0)
                return mdevctl_fail("%s", strerror(-r));
        if (mdevctl_bus_call(bus, call, &failure, &reply) < 0)
                return mdevctl_fail("%s", failure.message);

        r = sd_bus_message_enter_container(reply, 'a', "(tssso)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(tssso)", &id, &uuid, NULL, NULL, NULL)) > 0)
                if (id == wanted)
                        snprintf(ret, UUID_TEXT_SIZE, "%s", uuid);
        return r < 0 ? mdevctl_fail("%s", strerror(-r)) : EXIT_SUCCESS;
}

static int check_callout(sd_bus *bus, const char *uuid) {
        const char *job = getenv("MEDIATED_JOB");
        char job_uuid[UUID_TEXT_SIZE], *end;
        uint64_t id;
        int r;

        if (!job || !*uuid)
                return EXIT_SUCCESS;
        errno = 0;
        id = strtoull(job, &end, 10);
        if (errno > 0 || end == job || *end)
                return EXIT_SUCCESS;

        r = find_job(bus, id, job_uuid);
        if (r != EXIT_SUCCESS || !streq(job_uuid, uuid))
                return r;
        return mdevctl_fail("A callout of job %" PRIu64
                            " cannot change device %s: the request would wait for that job, "
                            "and the job for its callout",
                            id, uuid);
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
