/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl jobs and cancel. */

#include <errno.h>

#include "client/mediatectl/request.h"
#include "client/mediatectl/verbs.h"
#include "client/output/table.h"
#include "client/output/tell.h"
#include "client/shared/manager-call.h"

enum {
        JOBS_JOB,
        JOBS_UUID,
        JOBS_KIND,
        JOBS_STATE,
        _JOBS_MAX,
};

static const struct column columns[_JOBS_MAX] = {
        [JOBS_JOB] = { "JOB", COLUMN_STANDARD | COLUMN_RIGHT | COLUMN_NUMBER },
        [JOBS_UUID] = { "UUID", COLUMN_STANDARD },
        [JOBS_KIND] = { "KIND", COLUMN_STANDARD },
        [JOBS_STATE] = { "STATE", COLUMN_STANDARD },
};

static int add_row(struct table *table, const struct listed_job *job) {
        struct libscols_line *line = table_add(table, NULL);
        int r;

        if (!line)
                return -ENOMEM;
        r = table_set_number(table, line, JOBS_JOB, job->id);
        if (r >= 0)
                r = table_set_uuid(table, line, JOBS_UUID, job->uuid);
        if (r >= 0)
                r = table_set(table, line, JOBS_KIND, job->kind);
        return r >= 0 ? table_set_state(table, line, JOBS_STATE, job->state) : r;
}

int verb_jobs(struct client *client, char **arguments, size_t n) {
        _cleanup_table_ struct table *table = NULL;
        int r;

        r = table_new(options_table(client->options), "jobs", columns, _JOBS_MAX, &table);
        if (r == 0)
                r = lists_jobs(client);
        for (size_t i = 0; r == 0 && i < client->lists.jobs.n; i++)
                r = add_row(table, &client->lists.jobs.items[i]);
        return r != 0 ? r : table_print(table, "No jobs.");
}

static int add_cancel(struct calls *calls, uint64_t id) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = manager_call_new(calls->client->bus, &message, "CancelJob", "t", id);
        return r < 0 ? r : calls_add(calls, TAKE_PTR(message), NULL);
}

static int add_named(struct calls *calls, const char *text) {
        unsigned long long id;
        char *end;

        errno = 0;
        id = strtoull(text, &end, 10);
        if (errno > 0 || end == text || *end || *text == '-')
                return tell_usage("'%s' is not the number of a job; see mediatectl jobs", text);
        return add_cancel(calls, id);
}

/* Only waiting jobs can be canceled. */
static int add_all(struct calls *calls) {
        const struct listed_job_list *jobs = &calls->client->lists.jobs;
        size_t n_running = 0;
        int r;

        r = lists_jobs(calls->client);
        for (size_t i = 0; r == 0 && i < jobs->n; i++)
                if (streq(jobs->items[i].state, "waiting"))
                        r = add_cancel(calls, jobs->items[i].id);
                else
                        n_running++;
        if (n_running > 0)
                tell("%zu job%s running and cannot be canceled", n_running, n_running == 1 ? " is" : "s are");
        return r;
}

int verb_cancel(struct client *client, char **arguments, size_t n) {
        _cleanup_calls_ struct calls calls = { .client = client };
        bool all = option_given(client->options, OPTION_ALL);
        int r;

        if (all == (n > 0))
                return tell_usage(all ? "--all and job numbers do not go together" : "name job numbers, or --all");

        r = client_connect(client);
        if (r == 0 && all)
                r = add_all(&calls);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = add_named(&calls, arguments[i]);
        if (r != 0)
                return r;

        client_start_agent(client);
        r = calls_run(&calls, "Canceling");
        if (r != 0)
                return r;
        r = calls_tell(&calls);
        request_sum_up(&calls, "Canceled", "job");
        return r;
}
