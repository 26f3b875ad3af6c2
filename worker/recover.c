/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Undoes a create that was not acknowledged, because its worker or the daemon died, or because it came back too
 * late. */

#include <errno.h>

#include "common/fault-point.h"
#include "common/intent.h"
#include "common/io.h"
#include "worker/backend.h"
#include "worker/callouts.h"

static void keep(struct report *report, const char *uuid, const char *why) {
        report->kind = REPORT_KEPT;
        free(report->failure.message);
        if (asprintf(&report->failure.message, "Device %s is kept: %s", uuid, why) < 0)
                report->failure.message = NULL;
}

/* A callout that was run with `pre` must be run with `post`. */
static void tell_callouts(const struct task *task) {
        _cleanup_definition_ struct definition *conf = NULL;

        if (definition_new(task->type, START_MANUAL, NULL, &conf) >= 0)
                callouts_interrupted(task, "start", conf, false);
}

static void recover(const struct task *task, struct report *report) {
        _cleanup_intent_ struct intent intent = {};
        _cleanup_close_ int device_fd = -1;
        struct sysfs_device device;

        /* A killed worker may still be inside the kernel's create; a remove now would wedge the device. */
        if (task->orphan_pid > 0)
                wait_for_process_end(task->orphan_pid, task->orphan_start_time);

        FAULT_POINT("orphan-ended");
        /* The intent is read after the end of the old worker, which may have changed the phase until then. */
        if (intent_load(task->uuid, &intent) < 0 || !intent.writing)
                return;
        device_fd = backend_of(task)->open_device(task, &device);
        /* Then nothing is known about the device. This process ends, as if it had died, and another worker gets the
         * task after a while. */
        if (is_shortage(device_fd))
                _exit(EXIT_FAILURE);
        if (device_fd < 0)
                return;

        if (!streq(device.parent, task->parent) || (device.type[0] && !streq(device.type, task->type)) ||
            (intent.inode > 0 && intent.inode != device.inode))
                return keep(report, task->uuid, "another program has created it");
        if (device.state != DEVICE_ACTIVE)
                return keep(report, task->uuid, "another program is creating or removing it");

        backend_of(task)->remove(task, device.path, device.inode, report);
        FAULT_POINT("recovery-removed");
        if (report->kind == REPORT_DONE)
                report->kind = REPORT_UNDONE;
        else if (report->kind == REPORT_BUSY)
                keep(report, task->uuid, "a process has it open");
}

void run_recover(const struct task *task, struct report *report) {
        recover(task, report);
        tell_callouts(task);
}
