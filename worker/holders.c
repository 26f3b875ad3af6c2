/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a device is in use, and by which processes. It holds for all devices that are used by VFIO. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/find-holders.h"
#include "common/root.h"
#include "worker/backend.h"
#include "worker/machine.h"

/* Returns an fd, -EBUSY when another process has the group open, or another negative errno when there is no group to
 * open. */
static int open_group(int device_fd) {
        char group[SYSFS_NAME_SIZE], path[PATH_MAX];
        int fd, r;

        r = vfio_group(device_fd, group, sizeof(group));
        if (r < 0)
                return r;

        snprintf(path, sizeof(path), "dev/vfio/%s", group);
        fd = openat(root_fd(), path, O_RDWR | O_CLOEXEC | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

struct search {
        int device_fd;
        pid_t helper;
        bool without_workers;
        struct report *report;
};

/* A worker has the group open while the driver removes the device, and is not what people mean by a user. */
static bool is_worker(pid_t pid) {
        struct stat ours, its;
        char path[64];

        snprintf(path, sizeof(path), "proc/%d/exe", (int) pid);
        return fstatat(root_fd(), "proc/self/exe", &ours, 0) >= 0 && fstatat(root_fd(), path, &its, 0) >= 0 &&
               ours.st_dev == its.st_dev && ours.st_ino == its.st_ino;
}

static int add_holder(pid_t pid, const char *name, void *userdata) {
        const struct search *search = userdata;
        struct report *report = search->report;
        struct holder *holder;

        if (pid == search->helper && !holder_has_device(search->device_fd, pid))
                return 0;
        if (search->without_workers && is_worker(pid))
                return 0;
        if (report->n_holders == HOLDERS_MAX) {
                report->n_more_holders++;
                return 0;
        }
        if (!report->holders)
                report->holders = calloc(HOLDERS_MAX, sizeof(struct holder));
        if (!report->holders)
                return -ENOMEM;

        holder = report->holders + report->n_holders++;
        *holder = (struct holder) { .pid = pid };
        snprintf(holder->name, sizeof(holder->name), "%s", name);
        machine_of_process(pid, name, holder->machine, sizeof(holder->machine));
        return 0;
}

/* Returns how many processes have a node of the device open, or a negative errno. Adds to report->holders those that
 * use the device: all but the process @held_by, unless that process has opened more than the group. (libvirt opens the
 * group to check that no virtual machine has it, and keeps it open while mdevctl removes the device.) */
static int find_holders(int device_fd, pid_t held_by, bool without_workers, struct report *report) {
        struct search search = {
                .device_fd = device_fd,
                .helper = held_by,
                .without_workers = without_workers,
                .report = report,
        };

        return holders_find(device_fd, add_holder, &search);
}

bool device_is_in_use(int device_fd, pid_t held_by, struct report *report, int *ret_group_fd) {
        int fd, n;

        fd = open_group(device_fd);
        if (fd >= 0) {
                *ret_group_fd = fd;
                return false;
        }

        n = find_holders(device_fd, held_by, false, report);
        /* Without a group node, only the list of holders can say whether the device is in use. If there is no list, the
         * device counts as in use, because the removal of a device in use would never end. */
        if (fd != -EBUSY || n > 0)
                return n < 0 || report->n_holders > 0;

        /* The process that had it open may have closed it meanwhile. */
        *ret_group_fd = open_group(device_fd);
        return *ret_group_fd == -EBUSY;
}

void run_get_users(const struct task *task, struct report *report) {
        _cleanup_close_ int fd = -1;
        struct sysfs_device device;

        report->kind = REPORT_FAILED;
        fd = backend_of(task)->open_device(task, &device);
        if (fd < 0) {
                failure_set(&report->failure, FAILURE_NO_SUCH_DEVICE, "There is no device %s", task->uuid);
                return;
        }
        if (find_holders(fd, 0, true, report) < 0)
                failure_set(&report->failure, FAILURE_IO_ERROR,
                            "Device %s: the processes that use it could not be found in /proc", task->uuid);
        else
                report->kind = REPORT_DONE;
}
