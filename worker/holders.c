/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opens a device's group, and finds the holders of a device. */

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

struct search {
        int device_fd;
        pid_t helper;
        struct report *report;
};

static int add_holder(pid_t pid, const char *name, void *userdata) {
        const struct search *search = userdata;
        struct report *report = search->report;
        struct holder *holder;

        if (pid == search->helper && !holder_has_device(search->device_fd, pid))
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
        return 0;
}

int find_holders(int device_fd, pid_t held_by, struct report *report) {
        struct search search = { .device_fd = device_fd, .helper = held_by, .report = report };

        return holders_find(device_fd, add_holder, &search);
}
