/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much a connection may have logged. */

#include <stdbool.h>

struct manager;
struct sender;

/* So many messages about the failed jobs of one connection are logged in so long; the rest is only counted. */
#define LOG_LIMIT_MESSAGES 100
#define LOG_LIMIT_USEC (10 * USEC_PER_SEC)

/** log_limit_take() - whether one more message about what a connection has asked for may be logged. */
bool log_limit_take(struct manager *manager, const char *name);

/** log_limit_end() - log how many messages were not. */
void log_limit_end(struct sender *sender);
