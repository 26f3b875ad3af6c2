/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What creating a device is made of, for the two kinds of job that do: "create" and "start". */

#include "daemon/jobs/job.h"

struct device;
struct settle;

struct create_job {
        struct job job;
        struct attributes attributes;   /* of the device to be */
        enum start_mode start;          /* of its definition, for callouts */
        struct settle *settle;          /* what the reply waits for, or NULL */
        unsigned int n_lost;            /* how many workers died while they undid it */
};

static inline struct create_job *create_job_of(struct job *job) {
        return CONTAINER_OF(job, struct create_job, job);
}

/** job_create_prepare() - look for the parent and the type. Returns 0, or a negative number with job->failure set: the
 * device cannot be created now. */
int job_create_prepare(struct job *job);

/** job_create_work() - have a worker create the device. */
void job_create_work(struct job *job);

/** job_create_drop_intent() - the create is decided, one way or the other. */
void job_create_drop_intent(struct job *job);

/** job_create_fail_exists() - finish the job: there is a device of its UUID already. */
void job_create_fail_exists(struct job *job, const struct device *device);

/** job_create_append_path() - the path of the device on the bus. Returns 0 or a negative errno. */
int job_create_append_path(struct job *job, sd_bus_message *reply);

/* As in struct job_type. */
int job_create_assigned(struct job *job);
void job_create_reported(struct job *job, struct report *report);
bool job_create_hold_reply(struct job *job, sd_bus_message *reply);
void job_create_clear(struct job *job);

/* The same of a job whose device must go again, because nobody will be told of success. */
void job_undo_start(struct job *job);
void job_undo_reported(struct job *job, struct report *report);
