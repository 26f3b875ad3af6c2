/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creates a mediated device: writes its UUID to `create`. */

#include <errno.h>
#include <fcntl.h>

#include "common/fault-point.h"
#include "common/intent.h"
#include "common/io.h"
#include "worker/mdev.h"

/* How long a create is repeated when the UUID seems to be in use, and the pause between two attempts. The kernel frees
 * a UUID a little after the directory of its device is gone (mdev_device_release). */
#define RELEASE_USEC (200 * USEC_PER_MSEC)
#define RELEASE_RETRY_USEC (2 * USEC_PER_MSEC)

static int open_create(const struct task *task, struct failure *failure) {
        _cleanup_close_ int types_fd = -1, type_fd = -1;
        int fd;

        types_fd = sysfs_open_types(task->parent);
        if (types_fd < 0)
                return failure_set(failure, FAILURE_NO_SUCH_PARENT,
                                   "Cannot create device %s: parent '%s' has disappeared", task->uuid, task->parent);

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
                            device.state <= DEVICE_ACTIVE ? "" : ", where it is being removed but still in use");
        else
                failure_set(failure, FAILURE_ALREADY_EXISTS,
                            "The kernel has UUID %s reserved, although no device has it: another program is "
                            "creating or removing it. Try again, or choose another UUID", task->uuid);
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
                            "Cannot create device %s: parent '%s' is being removed", task->uuid, task->parent);
                return;
        default:
                failure_set(failure, FAILURE_IO_ERROR,
                            "The driver of parent '%s' refused to create device %s of type '%s': %s; see the kernel "
                            "log (journalctl -k)", task->parent, task->uuid, task->type, strerror(error));
        }
}

int mdev_create(const struct task *task, struct failure *failure) {
        uint64_t end = now_usec() + RELEASE_USEC;
        struct sysfs_device device;
        int r;

        for (;;) {
                /* From here on a device of this UUID, parent and type is ours, until the kernel refuses it. */
                r = intent_set_writing(task->uuid, true);
                if (r < 0)
                        return failure_set(failure, FAILURE_IO_ERROR,
                                           "Device %s was not created: cannot write to /" INTENT_DIRECTORY ": %s",
                                           task->uuid, strerror(-r));
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
