/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Jobs without a bus, a registry, a store and workers. The pool keeps their work; a test does with it what a worker
 * would do. */

#include "daemon/jobs/jobs.h"

struct report;

/* The name of the one parent that parent_refresh() finds. It holds one device at most. */
#define FAKE_PARENT_OF_ONE "one"

struct jobs *fake_jobs_new(void);
void fake_jobs_free(struct jobs *jobs);

/** fake_jobs_run() - let the event loop do all that is to be done now. */
void fake_jobs_run(struct jobs *jobs);

/** fake_job_assign() - a worker gets the work of a job that is ready. */
void fake_job_assign(struct job *job);

/** fake_job_report() - that worker reports, and the event loop does what follows. @report: NULL if the worker is
 * lost. */
void fake_job_report(struct job *job, struct report *report);
