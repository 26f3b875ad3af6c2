/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file systems of a simulated host. */

#include "tests/simulator/simhost.h"

int mounts_prepare(const Options *options);
int mounts_in_sys(void);
