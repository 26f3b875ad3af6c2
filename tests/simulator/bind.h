/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The drivers of PCI devices, with the files that bind and unbind. */

#include "tests/simulator/host.h"

void drivers_add(Host *host, Changes *changes, const char *driver);
