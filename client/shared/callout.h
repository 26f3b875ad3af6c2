/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A program that is a callout, or is run by one. The daemon runs callouts within a job, and tells them its number in
 * MEDIATED_JOB=. */

#include <systemd/sd-bus.h>

#include "common/uuid.h"

/** callout_find_job() - the job in which this program runs, if the daemon still has it. A callout must not change the
 * device of that job: its request would wait for the job, and the job waits for the callout. Returns 1; 0 when there is
 * no such job; or a negative errno, with @error set if the daemon said why. */
int callout_find_job(sd_bus *bus, sd_bus_error *error, uint64_t *ret_id, char ret_uuid[static UUID_TEXT_SIZE]);

/** callout_append_option() - tell the daemon, in an open a{sv}, in which job this program runs, if it does: that job
 * waits for the answer. Returns 0 or a negative errno. */
int callout_append_option(sd_bus_message *message);
