/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stops a device: removes it, and runs the callouts around that. */

#include "common/io.h"
#include "worker/backend.h"
#include "worker/callouts.h"

/* Whether the device is still the one that the daemon has seen. */
static bool is_there(const struct task *task) {
        _cleanup_close_ int fd = -1;
        struct sysfs_device device;

        fd = backend_of(task)->open_device(task, &device);
        return is_shortage(fd) || (fd >= 0 && device.inode == task->inode);
}

static bool is_in_use(const struct task *task, struct report *report) {
        _cleanup_close_ int device_fd = -1, group_fd = -1;
        struct sysfs_device device;

        device_fd = backend_of(task)->open_device(task, &device);
        return device_fd >= 0 && device.state == DEVICE_ACTIVE &&
               device_is_in_use(device_fd, task->held_by, report, &group_fd);
}

static void stop(const struct task *task, void *userdata, struct report *report) {
        backend_of(task)->remove(task, task->path, task->inode, report);
}

void run_stop(const struct task *task, struct report *report) {
        _cleanup_definition_ struct definition *conf = NULL;

        if (!callouts_exist())
                return stop(task, NULL, report);

        if (task->interrupted && !is_there(task)) {
                report->kind = REPORT_DONE;
                if (definition_new(task->type, START_MANUAL, NULL, &conf) >= 0)
                        callouts_interrupted(task, "stop", conf, true);
                return;
        }
        /* A device in use is not stopped, and the attempt may be repeated each second. So no callout is run. */
        if (!task->interrupted && is_in_use(task, report)) {
                report->kind = REPORT_BUSY;
                return;
        }
        if (definition_new(task->type, START_MANUAL, NULL, &conf) < 0) {
                report->kind = REPORT_FAILED;
                failure_set(&report->failure, FAILURE_IO_ERROR, "Device %s: out of memory", task->uuid);
                return;
        }

        callouts_around(task, "stop", conf, stop, NULL, report);
}
