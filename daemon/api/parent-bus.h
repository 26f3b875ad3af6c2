/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.mediated1.Parent. */

#include <systemd/sd-bus.h>

extern const sd_bus_vtable parent_vtable[];
