/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* --dry-run: say what a verb would do, and do nothing. */

#include "client/mediatectl/request.h"

/** dry_run_devices() - print a line for each device among the targets. @verb is the name of what would be done. Returns
 * a status. */
int dry_run_devices(struct client *client, const struct targets *targets, const char *verb);

/** dry_run_definitions() - print a line for each definition that the targets mean: with @inactive only for those that
 * are not active, and with @each for all definitions of a UUID, which are otherwise an error. Returns a status. */
int dry_run_definitions(struct client *client, const struct targets *targets, const char *verb, bool inactive,
                        bool each);
