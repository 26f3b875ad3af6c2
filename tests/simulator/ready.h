/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* When the daemon can be called. */

#include <sys/types.h>

int ready_wait(pid_t pid);
