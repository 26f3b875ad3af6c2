/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The back end of mediated devices. docs/KERNEL.md describes what it depends on. */

#include "daemon/registry/backend.h"

extern const struct backend mdev_backend;
