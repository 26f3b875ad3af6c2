/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the two kinds of job have in common that create a device: "create" and "start". */

#include <assert.h>

#include "daemon/jobs/job.h"

struct device;
struct settle;

struct create_job {
        struct job job;
        struct attributes attributes;   /* the attributes that the device gets */
        enum start_mode start;          /* the start mode of its definition, for callouts */
        struct settle *settle;          /* what the reply waits for, or NULL */
        char *card;                     /* the card that the caller has named in place of a parent, or NULL */
        char **refused;                 /* the parents of the card that had no instance left */
        size_t n_refused;
        unsigned int n_lost;            /* how many workers died while they undid the create */
};

static inline struct create_job *create_job_of(struct job *job) {
        assert(job->type->creates);
        return CONTAINER_OF(job, struct create_job, job);
}

/** job_create_prepare() - look for the parent and the type. Returns 0, or a negative number and sets job->failure if
 * one of them is missing. */
int job_create_prepare(struct job *job);

/** job_create_work() - have a worker create the device. */
void job_create_work(struct job *job);

/** job_create_drop_intent() - remove the intent, because it is decided what has become of the device. */
void job_create_drop_intent(struct job *job);

/** job_create_fail_exists() - fail, because the UUID has a device already. */
void job_create_fail_exists(struct job *job, const struct device *device);

/* Members of struct job_type. */
int job_create_object(const struct job *job, char **ret);
int job_create_assigned(struct job *job);
void job_create_reported(struct job *job, struct report *report);
bool job_create_before_answer(struct job *job, sd_bus_message *reply);
void job_create_clear(struct job *job);

/* The same, for a job whose device must go again because nobody will be told of success. */
void job_undo_start(struct job *job);
void job_undo_reported(struct job *job, struct report *report);
