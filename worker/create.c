/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creates a device, then sets its attributes. Either the device gets all of them, or it is removed. */

#include <errno.h>
#include <fcntl.h>

#include "common/fault-point.h"
#include "common/intent.h"
#include "common/io.h"
#include "worker/backend.h"
#include "worker/callouts.h"

static int write_attribute(int device_fd, const struct attribute *attribute) {
        _cleanup_free_ char *line = NULL;
        _cleanup_close_ int fd = -1;

        fd = open_beneath(device_fd, attribute->name, O_WRONLY | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return fd;

        /* The value gets a newline, as echo(1) and mdevctl write it. */
        if (asprintf(&line, "%s\n", attribute->value) < 0)
                return -ENOMEM;
        return write_text_fd(fd, line);
}

/* Notes the inode of the device's directory in the intent. Another device may later have the same UUID, parent and
 * type, but not the same inode. */
static void note_inode(const struct task *task, ino_t inode) {
        _cleanup_intent_ struct intent intent = {};

        if (intent_load(task->uuid, &intent) < 0)
                return;

        intent.inode = inode;
        (void) intent_store(task->uuid, &intent);
        FAULT_POINT("inode-noted");
}

static int write_attributes(const struct task *task, int device_fd, struct failure *failure) {
        int r;

        for (size_t i = 0; i < task->attributes.n; i++) {
                const struct attribute *attribute = task->attributes.items + i;

                r = write_attribute(device_fd, attribute);
                FAULT_POINT("attribute-written");
                if (r < 0)
                        return failure_set_attribute(failure, task->uuid, attribute->name, attribute->value, -r);
        }

        return 0;
}

/* Removes the device again. If a process has opened it since it was created, it stays, and the message says so. */
static void undo(const struct task *task, const struct sysfs_device *device, struct failure *failure) {
        _cleanup_report_ struct report removal = {};
        _cleanup_free_ char *cause = failure->message;

        FAULT_POINT("create-refused");
        failure->message = NULL;
        backend_of(task)->remove(task, device->path, device->inode, &removal);
        if (removal.kind == REPORT_DONE)
                failure->message = TAKE_PTR(cause);
        else if (asprintf(&failure->message, "%s. The device could not be removed again: %s", cause,
                          removal.kind == REPORT_BUSY ? "a process has opened it" : removal.failure.message) < 0)
                failure->message = NULL;
}

static int configure(const struct task *task, struct failure *failure) {
        _cleanup_close_ int device_fd = -1;
        struct sysfs_device device;

        device_fd = backend_of(task)->open_device(task, &device);
        if (device_fd < 0 || device.state != DEVICE_ACTIVE)
                return failure_set(failure, FAILURE_NO_SUCH_DEVICE,
                                   "Device %s was removed by somebody else while it was being configured", task->uuid);

        note_inode(task, device.inode);
        if (write_attributes(task, device_fd, failure) >= 0)
                return 0;
        undo(task, &device, failure);
        return -1;
}

static void create_and_configure(const struct task *task, void *userdata, struct report *report) {
        if (backend_of(task)->create(task, &report->failure) < 0 ||
            (task->attributes.n > 0 && configure(task, &report->failure) < 0))
                report->kind = REPORT_FAILED;
        else
                report->kind = REPORT_DONE;
}

void run_create(const struct task *task, struct report *report) {
        _cleanup_definition_ struct definition *conf = NULL;

        if (definition_new(task->type, task->start, &task->attributes, &conf) < 0) {
                report->kind = REPORT_FAILED;
                failure_set(&report->failure, FAILURE_IO_ERROR, "Device %s: out of memory", task->uuid);
                return;
        }

        callouts_around(task, "start", conf, create_and_configure, NULL, report);
}
