/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cleaning up after a daemon that died while it created devices. Each of them gets a job of kind "recover", which is at
 * the head of its queue before any request can come. */

#include "common/protocol.h"

struct job;
struct jobs;

/* A worker that cleans up may die too. This is how long the job waits then, and how many workers it tries. */
#define RECOVERY_RETRY_USEC USEC_PER_SEC
#define RECOVERY_TRIES_MAX 5

/* What was left of a device is cleaned up, and autostart had wanted that device. */
typedef void (*recovery_handler_t)(const char *parent, const char *uuid, void *userdata);

/** recovery_start() - submit a job for each UUID that has an intent. Returns 0 or a negative errno. */
int recovery_start(struct jobs *jobs, recovery_handler_t on_interrupted, void *userdata);

/** recovery_retry() - a worker was lost that cleaned up: count it in @n_lost, and park the job for another try. After
 * too many of them the job fails, and its intent is left for the next daemon. */
void recovery_retry(struct job *job, unsigned int *n_lost);

/** recovery_log() - write into the log what has become of a half-made device. @report: NULL if the worker was lost. */
void recovery_log(const char *uuid, const char *parent, const struct report *report);
