/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps the daemon running, as its unit does on a real host. */

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "tests/simulator/simhost.h"

typedef struct Supervisor Supervisor;

int supervisor_new(Supervisor **ret, sd_event *event, const Options *options);
void supervisor_start(Supervisor *supervisor);
void supervisor_stop(Supervisor *supervisor);
bool supervisor_reaped(Supervisor *supervisor, pid_t pid, int status);
pid_t supervisor_pid(const Supervisor *supervisor);
