/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Removing what interrupted changes of the store have left: temporary files whose writer is dead. */

#include "daemon/workers/worker.h"

struct pool;

struct store_clean {
        struct pool *pool;
        struct work work;
        bool is_under_way;
};

/** store_clean() - have a worker remove them. Nobody waits for it. Harmless while one does so already. */
void store_clean(struct store_clean *clean);
