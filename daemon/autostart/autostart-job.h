/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The jobs that autostart submits. */

#include "daemon/autostart/autostart.h"

/* Starting by jobs. The userdata is the struct jobs. */
extern const struct autostart_hooks autostart_job_hooks;
