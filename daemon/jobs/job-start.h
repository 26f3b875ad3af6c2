/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starts that wait outside the queue of their UUID. */

#include "daemon/jobs/job.h"

/** start_wake() - something that a start on this parent may wait for has come. */
void start_wake(struct manager *manager, const char *parent);

/** start_cancel_waiting() - @by stops or undefines the device: nobody shall start it any more, as far as its caller may
 * say so. */
void start_cancel_waiting(const struct job *by);

/** start_leave_waiting() - take the job off the list of those that wait. */
void start_leave_waiting(struct job *job);
