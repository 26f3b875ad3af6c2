/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.mediated1.Job. */

#include <systemd/sd-bus.h>

extern const sd_bus_vtable job_vtable[];
