/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The back end of vendor VFIO: a virtual function (VF) of a card is the parent, and its vGPU the device. docs/KERNEL.md
 * describes what it depends on.
 *
 * A driver implements the file that says which type a VF has. So the daemon cannot look at it, and knows what a worker
 * has read last: after each change of mediated's own, after uevents of the VF and its card, after a write of others,
 * which inotify tells, and whenever types are listed. */

#include "daemon/registry/backend.h"

extern const struct backend vgpu_backend;
