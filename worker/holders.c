/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Holding a device, and who holds it. */

#include <errno.h>
#include <fcntl.h>

#include "common/holders.h"
#include "common/root.h"
#include "worker/worker.h"

int group_hold(int device_fd) {
        char group[SYSFS_NAME_SIZE], path[PATH_MAX];
        int fd, r;

        r = sysfs_device_group(device_fd, group, sizeof(group));
        if (r < 0)
                return r;

        snprintf(path, sizeof(path), "dev/vfio/%s", group);
        fd = openat(root_fd(), path, O_RDWR | O_CLOEXEC | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

static int add_holder(pid_t pid, const char *name, void *userdata) {
        struct report *report = userdata;
        struct holder *holders;

        holders = reallocarray(report->holders, report->n_holders + 1, sizeof(struct holder));
        if (!holders)
                return -ENOMEM;
        report->holders = holders;
        holders += report->n_holders++;

        *holders = (struct holder) { .pid = pid };
        snprintf(holders->name, sizeof(holders->name), "%s", name);
        return 0;
}

int find_holders(int device_fd, struct report *report) {
        return holders_find(device_fd, add_holder, report);
}
