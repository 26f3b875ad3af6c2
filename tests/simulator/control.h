/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What simctl asks of the simulated kernel. */

#include "tests/simulator/host.h"

int control_new(Host *host);
