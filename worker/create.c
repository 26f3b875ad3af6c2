/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creating a device: a write to `create`, then its attributes. Either the device gets all of them, or it is removed. */

#include <errno.h>
#include <fcntl.h>

#include "common/fault-point.h"
#include "common/intent.h"
#include "common/io.h"
#include "worker/callouts.h"

/* How long a create is repeated when the UUID seems to be in use. The kernel frees a UUID a little after the directory
 * of its device is gone (mdev_device_release). */
#define RELEASE_USEC (200 * USEC_PER_MSEC)
#define RELEASE_RETRY_USEC (2 * USEC_PER_MSEC)

static int open_create(const struct task *task, struct failure *failure) {
        _cleanup_close_ int types_fd = -1, type_fd = -1;
        int fd;

        types_fd = sysfs_open_types(task->parent);
        if (types_fd < 0)
                return failure_set(failure, FAILURE_NO_SUCH_PARENT,
                                   "Cannot create device %s: parent '%s' is gone", task->uuid, task->parent);

        type_fd = strchr(task->type, '/') ? -ENOENT : open_beneath(types_fd, task->type, O_PATH | O_DIRECTORY);
        fd = type_fd < 0 ? type_fd : open_beneath(type_fd, "create", O_WRONLY);
        if (fd == -ENOENT)
                return failure_set(failure, FAILURE_NO_SUCH_TYPE,
                                   "Cannot create device %s: parent '%s' has no type '%s'", task->uuid, task->parent,
                                   task->type);
        if (fd < 0)
                return failure_set(failure, FAILURE_IO_ERROR,
                                   "Cannot create device %s: the 'create' file of type '%s' of parent '%s' cannot be "
                                   "opened: %s", task->uuid, task->type, task->parent, strerror(-fd));

        return fd;
}

/* Each write gets a new fd, because a second write on the same one would be at an offset other than 0. */
static int write_create(const struct task *task, struct failure *failure) {
        _cleanup_close_ int fd = -1;

        fd = open_create(task, failure);
        if (fd < 0)
                return -ENOENT;
        return write_text_fd(fd, task->uuid);
}

static void explain_exists(const struct task *task, struct failure *failure) {
        struct sysfs_device device;

        if (sysfs_find_device(task->uuid, &device) >= 0)
                failure_set(failure, FAILURE_ALREADY_EXISTS,
                            "Device %s already exists on parent '%s'%s; stop it first, or choose another UUID",
                            task->uuid, device.parent,
                            device.has_remove ? "" : ", where it is being removed but still in use");
        else
                failure_set(failure, FAILURE_ALREADY_EXISTS,
                            "The kernel has UUID %s reserved although no device shows it: somebody else is just "
                            "creating or releasing it; try again, or choose another UUID", task->uuid);
}

static void explain_create_error(const struct task *task, int error, struct failure *failure) {
        switch (error) {
        case EEXIST:
                return explain_exists(task, failure);
        case EUSERS:
        case ENOSPC:
                failure_set(failure, FAILURE_NO_AVAILABLE_INSTANCES,
                            "Cannot create device %s: type '%s' of parent '%s' has no available instance left; stop "
                            "another device of this parent first", task->uuid, task->type, task->parent);
                return;
        case ENODEV:
                failure_set(failure, FAILURE_NO_SUCH_PARENT,
                            "Cannot create device %s: parent '%s' is going away", task->uuid, task->parent);
                return;
        default:
                failure_set(failure, FAILURE_IO_ERROR,
                            "The driver of parent '%s' refused to create device %s of type '%s': %s; the kernel log "
                            "may tell more", task->parent, task->uuid, task->type, strerror(error));
        }
}

static int create(const struct task *task, struct failure *failure) {
        uint64_t end = now_usec() + RELEASE_USEC;
        struct sysfs_device device;
        int r;

        for (;;) {
                /* From here on a device of this UUID, parent and type is ours, until the kernel refuses to create it.
                 * */
                r = intent_set_writing(task->uuid, true);
                if (r < 0)
                        return failure_set(failure, FAILURE_IO_ERROR,
                                           "Device %s was not created: what is begun cannot be noted in "
                                           "/" INTENT_DIRECTORY ": %s", task->uuid, strerror(-r));
                FAULT_POINT("intent-writing");
                r = write_create(task, failure);
                FAULT_POINT("create-written");
                if (r >= 0)
                        return 0;
                (void) intent_set_writing(task->uuid, false);
                FAULT_POINT("intent-taken-back");

                if (r != -EEXIST || now_usec() >= end || sysfs_find_device(task->uuid, &device) >= 0)
                        break;
                wait_unless_orphaned(RELEASE_RETRY_USEC);
        }

        explain_create_error(task, -r, failure);
        return r;
}

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
static void note_inode(const struct task *task) {
        _cleanup_intent_ struct intent intent = {};
        struct sysfs_device device;

        if (intent_load(task->uuid, &intent) < 0 || sysfs_look_at_device(task->uuid, NULL, &device) < 0)
                return;

        intent.inode = device.inode;
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
static void undo(const struct task *task, struct failure *failure) {
        _cleanup_report_ struct report removal = {};
        _cleanup_free_ char *cause = failure->message;
        struct sysfs_device device;

        FAULT_POINT("create-refused");
        failure->message = NULL;
        if (sysfs_look_at_device(task->uuid, NULL, &device) >= 0)
                remove_device(task->uuid, &device, 0, &removal);
        else
                removal.kind = REPORT_DONE;

        if (removal.kind == REPORT_DONE)
                failure->message = TAKE_PTR(cause);
        else if (asprintf(&failure->message, "%s; and it could not be removed again: %s", cause,
                          removal.kind == REPORT_BUSY ? "somebody has opened it" : removal.failure.message) < 0)
                failure->message = NULL;
}

static void create_and_configure(const struct task *task, void *userdata, struct report *report) {
        _cleanup_close_ int device_fd = -1;

        report->kind = REPORT_FAILED;
        if (create(task, &report->failure) < 0)
                return;

        if (task->attributes.n > 0) {
                note_inode(task);
                device_fd = sysfs_open_device(task->uuid);
                if (device_fd < 0) {
                        failure_set(&report->failure, FAILURE_NO_SUCH_DEVICE,
                                    "Device %s was removed by somebody else while it was being configured", task->uuid);
                        return;
                }
                if (write_attributes(task, device_fd, &report->failure) < 0) {
                        undo(task, &report->failure);
                        return;
                }
        }

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
