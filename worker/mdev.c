/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of the back end of mediated devices. */

#include "worker/mdev.h"

static int mdev_open_device(const struct task *task, struct sysfs_device *ret) {
        int r;

        r = sysfs_find_device(task->uuid, ret);
        return r < 0 ? r : sysfs_open_directory(ret->path, ret->inode);
}

const struct worker_backend mdev_worker_backend = {
        .list_types = mdev_list_types,
        .create = mdev_create,
        .open_device = mdev_open_device,
        .remove = mdev_remove,
        .compare = mdev_compare,
};
