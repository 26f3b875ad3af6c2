/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starts that wait outside the queue of their UUID. */

#include "daemon/job.h"

/** start_wake() - something that a start on this parent may wait for has come. */
void start_wake(struct manager *manager, const char *parent);

/** start_cancel_waiting() - somebody stops or undefines the device: nobody shall start it any more. @why: "stopped". */
void start_cancel_waiting(struct manager *manager, const char *uuid, const char *why);

/** start_leave_waiting() - take the job off the list of those that wait. */
void start_leave_waiting(struct job *job);
