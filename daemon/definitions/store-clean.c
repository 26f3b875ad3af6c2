/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The task of cleaning the store. */

#include "daemon/definitions/store-clean.h"

#include "daemon/workers/pool.h"

static void on_cleaned(struct work *work, struct report *report) {
        struct store_clean *clean = work->userdata;

        clean->is_under_way = false;
}

void store_clean(struct store_clean *clean) {
        if (clean->is_under_way)
                return;

        clean->is_under_way = true;
        clean->work = (struct work) {
                .task.kind = TASK_CLEAN_STORE,
                .userdata = clean,
                .on_report = on_cleaned,
                .background = true,
        };
        pool_submit(clean->pool, &clean->work);
}
