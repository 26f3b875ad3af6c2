/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What creating a device is made of, for the two kinds of job that do: "create" and "start". */

#include "daemon/jobs/job.h"

struct device;

/** create_prepare() - look for parent and type of job->work.task. Returns 0, or a negative number with job->failure
 * set: the device cannot be created now. */
int create_prepare(struct job *job);

/** create_assigned(), create_reported() - as in struct job_type. */
int create_assigned(struct job *job);
void create_reported(struct job *job, struct report *report);

/* A create or a start whose device must go again, because nobody will be told of success. */
extern const struct job_type job_type_undo_create, job_type_undo_start;

/** create_drop_intent() - the create is decided, one way or the other. */
void create_drop_intent(struct job *job);

/** create_fail_exists() - finish the job: there is a device of its UUID already. */
void create_fail_exists(struct job *job, const struct device *device);
