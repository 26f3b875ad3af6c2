/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The attributes of a running device, which the callout for its type gets and changes. */

#include "worker/backend.h"
#include "worker/callouts.h"

void run_live(const struct task *task, struct report *report) {
        _cleanup_definition_ struct definition *conf = NULL;

        report->kind = REPORT_FAILED;
        if (definition_new(task->type, task->start, &task->attributes, &conf) < 0) {
                failure_set(&report->failure, FAILURE_IO_ERROR, "Device %s: out of memory", task->uuid);
                return;
        }

        if (callouts_live(task, conf, backend_of(task)->compare, &report->failure) >= 0)
                report->kind = REPORT_DONE;
}

void run_get_attributes(const struct task *task, struct report *report) {
        int r;

        say_in_callout(true);
        r = callouts_get_attributes(task, &report->attributes, &report->failure);
        say_in_callout(false);
        report->has_attributes = r > 0;
        report->kind = r < 0 ? REPORT_FAILED : REPORT_DONE;
}
