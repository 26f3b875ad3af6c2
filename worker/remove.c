/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Removing a device, without ever running into the two traps of the kernel.
 *
 * A device in use: the write to `remove` sleeps until its user closes it, unkillable, and asks the user to let go,
 * which some virtual machine monitors answer by losing the device. So the VFIO group is opened first. The kernel lets
 * one process have it open: EBUSY means in use, and nothing is written. Otherwise it is held during the write, so that
 * no virtual machine can open the device in between. Holding it does not delay the removal.
 *
 * A device that is not complete: `remove` deletes itself before the kernel says EAGAIN, and the device can never be
 * removed again. So both names, `remove` and `mdev_type`, must be there; the daemon has kept its distance to a device
 * that somebody else has just made. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/fault-point.h"
#include "common/holders.h"
#include "common/io.h"
#include "common/root.h"
#include "worker/callouts.h"

#define GONE_POLL_MIN_USEC ((uint64_t) 200)
#define GONE_POLL_MAX_USEC (100 * USEC_PER_MSEC)

/* A device that has lost `remove` but kept `mdev_type` for so long is wedged. */
#define WEDGED_USEC USEC_PER_SEC

/* And one that has kept both is not being removed by anybody. */
#define WHOLE_USEC USEC_PER_SEC

static void fail_wedged(const char *uuid, const char *parent, struct report *report) {
        report->kind = REPORT_FAILED;
        failure_set(&report->failure, FAILURE_WEDGED,
                    "Device %s is wedged: its 'remove' file is gone, so the kernel cannot remove it any more; "
                    "unloading the driver of parent '%s' (or a reboot) frees it", uuid, parent);
}

static void fail_whole(const char *uuid, struct report *report) {
        report->kind = REPORT_FAILED;
        failure_set(&report->failure, FAILURE_IO_ERROR,
                    "Device %s was not removed: the kernel has not begun to; ask again", uuid);
}

/* Never believe the write: of two removers the kernel tells both that they succeeded, the loser while the device is
 * still there. */
static void wait_until_gone(const char *uuid, const struct sysfs_device *expected, struct report *report) {
        uint64_t delay = GONE_POLL_MIN_USEC, wedged_since = 0, whole_since = 0, t;
        struct sysfs_device device;
        ino_t inode;

        for (;;) {
                if (sysfs_device_inode(expected->path, &inode) < 0 || inode != expected->inode ||
                    sysfs_look_at_device(uuid, expected->path, &device) < 0) {
                        report->kind = REPORT_DONE;
                        return;
                }

                t = now_usec();
                if (device.has_remove || !device.type[0])
                        wedged_since = 0;
                else if (wedged_since == 0)
                        wedged_since = t;
                else if (t - wedged_since >= WEDGED_USEC)
                        return fail_wedged(uuid, device.parent, report);
                /* Whatever the write was answered, nobody is removing it. */
                if (!device.has_remove || !device.type[0])
                        whole_since = 0;
                else if (whole_since == 0)
                        whole_since = t;
                else if (t - whole_since >= WHOLE_USEC)
                        return fail_whole(uuid, report);

                wait_unless_orphaned(delay);
                delay = delay * 2 < GONE_POLL_MAX_USEC ? delay * 2 : GONE_POLL_MAX_USEC;
        }
}

static void fail_write(const char *uuid, int error, struct report *report) {
        report->kind = REPORT_FAILED;
        failure_set(&report->failure, FAILURE_IO_ERROR, "The kernel refused to remove device %s: %s", uuid,
                    strerror(error));
}

/* Whether somebody uses the device. Holds its group in *ret_group_fd where there is one and nobody does. */
static bool is_in_use(int device_fd, pid_t held_by, struct report *report, int *ret_group_fd) {
        int fd, n;

        fd = group_hold(device_fd);
        if (fd >= 0) {
                *ret_group_fd = fd;
                return false;
        }

        n = find_holders(device_fd, held_by, report);
        /* Without a group node the list is all there is to decide on. A write to `remove` of a device in use would
         * never end, so without a list the device counts as in use. */
        if (fd != -EBUSY || n > 0)
                return n < 0 || report->n_holders > 0;

        /* Whoever had it may have closed it while we looked. */
        *ret_group_fd = group_hold(device_fd);
        return *ret_group_fd == -EBUSY;
}

/* Both names are asked for in the order in which they go: what has `remove` after `mdev_type` was complete. Opened
 * below the directory that was looked at: never the file of a later device with this UUID. */
static int open_remove(int device_fd) {
        char type[SYSFS_NAME_SIZE];
        int fd, r;

        r = readlink_name_at(device_fd, "mdev_type", type, sizeof(type));
        if (r < 0)
                return r;

        fd = openat(device_fd, "remove", O_WRONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

void remove_device(const char *uuid, const struct sysfs_device *expected, pid_t held_by, struct report *report) {
        _cleanup_close_ int device_fd = -1, group_fd = -1, remove_fd = -1;
        struct stat st;
        int r;

        report->kind = REPORT_DONE;
        device_fd = openat(root_fd(), expected->path + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (device_fd < 0 || fstat(device_fd, &st) < 0 || st.st_ino != expected->inode)
                return;

        remove_fd = open_remove(device_fd);
        if (remove_fd >= 0 && is_in_use(device_fd, held_by, report, &group_fd)) {
                report->kind = REPORT_BUSY;
                return;
        }

        FAULT_POINT("group-held");
        r = remove_fd < 0 ? remove_fd : write_text_fd(remove_fd, "1");
        FAULT_POINT("remove-written");
        switch (r) {
        case 0:
        case -ENOENT:   /* another remover was first, in any of three ways to say so */
        case -EACCES:
        case -ENODEV:
                return wait_until_gone(uuid, expected, report);
        case -EAGAIN:
                return fail_wedged(uuid, expected->parent, report);
        default:
                return fail_write(uuid, -r, report);
        }
}

bool device_is_in_use(const char *uuid, pid_t held_by, struct report *report) {
        _cleanup_close_ int device_fd = -1, group_fd = -1;

        device_fd = sysfs_open_device(uuid);
        return device_fd >= 0 && is_in_use(device_fd, held_by, report, &group_fd);
}

static bool is_there(const struct sysfs_device *device) {
        ino_t inode;

        return sysfs_device_inode(device->path, &inode) >= 0 && inode == device->inode;
}

static void stop(const struct task *task, void *userdata, struct report *report) {
        const struct sysfs_device *device = userdata;

        remove_device(task->uuid, device, task->held_by, report);
}

void run_stop(const struct task *task, struct report *report) {
        _cleanup_definition_ struct definition *conf = NULL;
        struct sysfs_device device = { .inode = task->inode };

        /* As the daemon has just seen it; whether it is still so is checked where it counts. */
        snprintf(device.path, sizeof(device.path), "%s", task->path);
        snprintf(device.parent, sizeof(device.parent), "%s", task->parent);
        if (!callouts_exist())
                return remove_device(task->uuid, &device, task->held_by, report);

        if (task->interrupted && !is_there(&device)) {
                report->kind = REPORT_DONE;
                if (definition_new(task->type, START_MANUAL, NULL, &conf) >= 0)
                        callouts_interrupted(task, "stop", conf, true);
                return;
        }
        /* A stop that will not happen, and may be tried each second, is none of a callout's business. */
        if (!task->interrupted && device_is_in_use(task->uuid, task->held_by, report)) {
                report->kind = REPORT_BUSY;
                return;
        }
        if (definition_new(task->type, START_MANUAL, NULL, &conf) < 0) {
                report->kind = REPORT_FAILED;
                failure_set(&report->failure, FAILURE_IO_ERROR, "Device %s: out of memory", task->uuid);
                return;
        }

        callouts_around(task, "stop", conf, stop, &device, report);
}
