/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A callout that changes the device it is called for. */

#include "client/shared/callout.h"

#include <errno.h>
#include <inttypes.h>

#include "client/output/tell.h"
#include "common/uuid.h"

/* The variable holds the number of the job. Returns 0 without one. */
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

static int find_job_uuid(struct client *client, uint64_t id, const char **ret) {
        int r;

        r = lists_jobs(client);
        for (size_t i = 0; r == 0 && i < client->lists.jobs.n; i++)
                if (client->lists.jobs.items[i].id == id)
                        *ret = client->lists.jobs.items[i].uuid;
        return r;
}

int callout_check(struct client *client, const char *uuid) {
        const char *job_uuid = NULL;
        uint64_t job = own_job();
        int r;

        /* Other hosts' jobs are others. */
        if (job == 0 || !client_is_local(client))
                return 0;

        r = find_job_uuid(client, job, &job_uuid);
        if (r != 0 || !job_uuid || !streq(job_uuid, uuid))
                return r;
        return tell_status(STATUS_FAILED,
                           "A callout of job %" PRIu64 " cannot change %s: the request would wait for that job, and "
                           "the job for its callout. Do it when the job is done",
                           job, uuid);
}
