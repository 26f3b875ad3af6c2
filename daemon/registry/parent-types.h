/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading the types of a parent: what only parent.c needs of it. */

#include "daemon/registry/parent.h"

/** parent_types_init() - prepare reading the types of a new parent that has its name. Returns 0 or a negative errno. */
int parent_types_init(struct parent *parent);

/** parent_types_stop() - do not read them any more. Returns false if a worker is still doing it. */
bool parent_types_stop(struct parent *parent);

/** parent_types_clear() - free what there is for it. No worker may have the parent's read_work. */
void parent_types_clear(struct parent *parent);

/** parent_read_types_now() - read them because the kernel has told of a change: perhaps of the type or instance that
 * somebody waits for. */
void parent_read_types_now(struct parent *parent);
