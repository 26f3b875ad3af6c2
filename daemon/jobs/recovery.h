/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* After a crash: devices that a daemon before us was creating. */

#include "common/protocol.h"

struct job;
struct jobs;

/* A recovery's own worker may die as well; then it is tried again after so long, so often. */
#define RECOVERY_RETRY_USEC USEC_PER_SEC
#define RECOVERY_TRIES_MAX 5

/* A create that autostart had wanted was interrupted, and what was left of the device is cleaned up. */
typedef void (*recovery_handler_t)(const char *parent, const char *uuid, void *userdata);

/** recovery_start() - put a job in front of the queue of each UUID that has an intent. Returns 0 or a negative
 * errno. */
int recovery_start(struct jobs *jobs, recovery_handler_t on_interrupted, void *userdata);

/** recovery_retry() - the worker that undid a create was lost, the @n_lost-th of them is counted: park the job for
 * another try. Returns whether it did; else its failure is set, and the intent is left for the next daemon. */
bool recovery_retry(struct job *job, unsigned int *n_lost);

/** recovery_log() - tell what became of a half-made device; @report NULL: its worker was lost. */
void recovery_log(const char *uuid, const char *parent, const struct report *report);
