/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A callout that changes the device it is called for would wait for the job that waits for it. */

#include "client/mediatectl/client.h"

/** callout_check() - whether this program may change @uuid: not as (a child of) a callout of a job of that UUID,
 * which the daemon tells it in MEDIATED_JOB=. Returns a status. */
int callout_check(struct client *client, const char *uuid);

/** callout_append_option() - in an open a{sv}: for which job this program is (a child of) a callout, if it is one. The
 * daemon knows then that the job waits for what is asked. Returns a negative errno on failure. */
int callout_append_option(sd_bus_message *message);
