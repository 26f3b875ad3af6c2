/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a connection may have only so often. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

struct manager;
struct rate_limits;

/* GetManagedObjects keeps the daemon busy for as long as it takes to ask every object for all it has: 86 ms for 10,000. With
 * more objects than this, each connection may ask for that once in so long. */
#define RATE_OBJECTS_MAX 1000
#define RATE_OBJECTS_USEC (1 * USEC_PER_SEC)

/* So many messages about the failed jobs of one connection are logged in so long; the rest is only counted. */
#define RATE_LOGS_MAX 100
#define RATE_LOGS_USEC (10 * USEC_PER_SEC)

struct rate_limits *rate_limits_free(struct rate_limits *limits);

/** rate_limits_attach() - from now on GetManagedObjects is limited. Sets manager->rate_limits. Returns 0 or a negative
 * errno. */
int rate_limits_attach(struct manager *manager);

/** rate_limit_log() - whether one more message about what a connection has asked for may be logged. */
bool rate_limit_log(struct manager *manager, const char *name);
