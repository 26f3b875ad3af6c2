/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that is a callout, or is run by one. */

#include "client/shared/callout.h"

#include <errno.h>

#include "common/bus-names.h"
#include "common/macro.h"

/* The number of the job in which this program runs, or 0. */
static uint64_t own_job(void) {
        const char *text = getenv("MEDIATED_JOB");
        unsigned long long id;
        char *end;

        if (!text)
                return 0;
        errno = 0;
        id = strtoull(text, &end, 10);
        return errno > 0 || end == text || *end ? 0 : id;
}

int callout_append_option(sd_bus_message *message) {
        uint64_t job = own_job();

        return job > 0 ? sd_bus_message_append(message, "{sv}", "callout-of", "t", job) : 0;
}

int callout_find_job(sd_bus *bus, sd_bus_error *error, uint64_t *ret_id, char ret_uuid[static UUID_TEXT_SIZE]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint64_t job = own_job(), id;
        const char *uuid;
        int r;

        if (job == 0)
                return 0;

        r = sd_bus_call_method(bus, BUS_NAME, BUS_ROOT, BUS_MANAGER, "ListJobs", error, &reply, NULL);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(tssso)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(tssso)", &id, &uuid, NULL, NULL, NULL)) > 0)
                if (id == job) {
                        *ret_id = id;
                        snprintf(ret_uuid, UUID_TEXT_SIZE, "%s", uuid);
                        return 1;
                }
        return r;
}
