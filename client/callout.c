/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A callout that changes the device it is called for. */

#include "client/callout.h"

#include <errno.h>

#include "client/tell.h"
#include "common/uuid.h"

/* The variable holds the number of the job. */
static int find_job_uuid(struct client *client, const char *job, const char **ret) {
        unsigned long long id;
        char *end;
        int r;

        errno = 0;
        id = strtoull(job, &end, 10);
        if (errno > 0 || end == job || *end)
                return 0;

        r = lists_jobs(client);
        for (size_t i = 0; r == 0 && i < client->lists.jobs.n; i++)
                if (client->lists.jobs.items[i].id == id)
                        *ret = client->lists.jobs.items[i].uuid;
        return r;
}

int callout_check(struct client *client, const char *uuid) {
        const char *job = getenv("MEDIATED_JOB"), *job_uuid = NULL;
        int r;

        /* Other hosts' jobs are others. */
        if (!job || !client_is_local(client))
                return 0;

        r = find_job_uuid(client, job, &job_uuid);
        if (r != 0 || !job_uuid || !streq(job_uuid, uuid))
                return r;
        return tell_status(
                STATUS_FAILED,
                "A callout of job %s cannot change %s: the request would wait for that job, and the job for "
                "its callout. Do it when the job is done",
                job, uuid);
}
