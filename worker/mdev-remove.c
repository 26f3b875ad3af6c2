/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Removes a mediated device, and avoids two traps of the kernel.
 *
 * The first trap is a device in use. The write to `remove` sleeps until the user of the device closes it, and no signal
 * ends the sleep. It also asks the user to let go, and some virtual machine monitors answer by losing the device. So
 * the VFIO group is opened first. Only one process can have it open. EBUSY means that the device is in use, and then
 * nothing is written. Otherwise the group is held during the write, so that no virtual machine can open the device in
 * between. This does not delay the removal.
 *
 * The second trap is a device that is not complete. `remove` deletes itself before the kernel says EAGAIN, and then the
 * device can never be removed. So both names, `remove` and `mdev_type`, must be there. When somebody else has just made
 * the device, the daemon has already waited for a moment. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/fault-point.h"
#include "common/io.h"
#include "worker/mdev.h"

#define GONE_POLL_MIN_USEC ((uint64_t) 200)
#define GONE_POLL_MAX_USEC (100 * USEC_PER_MSEC)

/* How long a device may look wedged in the course of a removal. After that it is wedged. */
#define WEDGED_USEC USEC_PER_SEC

/* How long a device may stay complete after the write. After that nobody is removing it. */
#define WHOLE_USEC USEC_PER_SEC

static void fail_wedged(const struct task *task, struct report *report) {
        report->kind = REPORT_FAILED;
        failure_set(&report->failure, FAILURE_WEDGED,
                    "Device %s is wedged: its 'remove' file is gone, so the kernel cannot remove it any more. "
                    "To free it, unload the driver of parent '%s', or reboot", task->uuid, task->parent);
}

static void fail_whole(const struct task *task, struct report *report) {
        report->kind = REPORT_FAILED;
        failure_set(&report->failure, FAILURE_IO_ERROR,
                    "Device %s was not removed: the kernel has not begun to remove it; try again", task->uuid);
}

/* The result of the write is never believed: when two processes remove a device, the kernel tells both that they have
 * succeeded, one of them while the device is still there. */
static void wait_until_gone(const struct task *task, const char *path, ino_t expected, struct report *report) {
        uint64_t delay = GONE_POLL_MIN_USEC, wedged_since = 0, whole_since = 0, t;
        struct sysfs_device device;
        ino_t inode;

        for (;;) {
                if (sysfs_device_inode(path, &inode) < 0 || inode != expected ||
                    sysfs_look_at_device(task->uuid, path, &device) < 0) {
                        report->kind = REPORT_DONE;
                        return;
                }

                t = now_usec();
                if (device.state != DEVICE_WEDGED)
                        wedged_since = 0;
                else if (wedged_since == 0)
                        wedged_since = t;
                else if (t - wedged_since >= WEDGED_USEC)
                        return fail_wedged(task, report);
                /* Then nobody is removing the device, whatever the write has returned. */
                if (device.state != DEVICE_ACTIVE)
                        whole_since = 0;
                else if (whole_since == 0)
                        whole_since = t;
                else if (t - whole_since >= WHOLE_USEC)
                        return fail_whole(task, report);

                wait_unless_orphaned(delay);
                delay = delay * 2 < GONE_POLL_MAX_USEC ? delay * 2 : GONE_POLL_MAX_USEC;
        }
}

static void fail_write(const struct task *task, int error, struct report *report) {
        report->kind = REPORT_FAILED;
        failure_set(&report->failure, FAILURE_IO_ERROR, "The kernel refused to remove device %s: %s", task->uuid,
                    strerror(error));
}

/* A removal takes `remove` away before `mdev_type`. So a device is complete if its `mdev_type` is found first and its
 * `remove` is found after that. The file is opened below the directory that was checked, so it is never the file of a
 * later device with this UUID. */
static int open_remove(int device_fd) {
        char type[SYSFS_NAME_SIZE];
        int fd, r;

        r = readlink_name_at(device_fd, "mdev_type", type, sizeof(type));
        if (r < 0)
                return r;

        fd = openat(device_fd, "remove", O_WRONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

void mdev_remove(const struct task *task, const char *path, ino_t inode, struct report *report) {
        _cleanup_close_ int device_fd = -1, group_fd = -1, remove_fd = -1;
        int r;

        report->kind = REPORT_DONE;
        device_fd = sysfs_open_directory(path, inode);
        if (device_fd < 0)
                return;

        remove_fd = open_remove(device_fd);
        if (remove_fd >= 0 && device_is_in_use(device_fd, task->held_by, report, &group_fd)) {
                report->kind = REPORT_BUSY;
                return;
        }

        FAULT_POINT("group-held");
        r = remove_fd < 0 ? remove_fd : write_text_fd(remove_fd, "1");
        FAULT_POINT("remove-written");
        switch (r) {
        case 0:
        case -ENOENT:   /* another process was first; the kernel says so in one of three ways */
        case -EACCES:
        case -ENODEV:
                return wait_until_gone(task, path, inode, report);
        case -EAGAIN:
                return fail_wedged(task, report);
        default:
                return fail_write(task, -r, report);
        }
}
