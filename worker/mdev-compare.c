/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compares what the kernel shows of a device with what a callout was asked to make of it.
 *
 * Only vfio_ap shows what its devices have been assigned. Its callout, ap-check of s390-tools, writes `ap_config`, and
 * does not notice when the kernel refuses the write, for example because this host has no such domain. It needs this
 * file for any change of a running device, so the file is there whenever a change can have been made. */

#include <errno.h>
#include <fcntl.h>

#include "common/io.h"
#include "worker/ap-config.h"
#include "worker/mdev.h"

#define TYPE_OF_VFIO_AP "vfio_ap-passthrough"

int mdev_compare(const struct task *task, struct failure *failure) {
        char shown[AP_CONFIG_SIZE + 1], differences[512];
        _cleanup_close_ int fd = -1;
        struct sysfs_device device;
        ssize_t n;

        if (!streq(task->type, TYPE_OF_VFIO_AP))
                return 0;

        fd = mdev_worker_backend.open_device(task, &device);
        n = fd < 0 ? fd : read_text_at(fd, "ap_config", shown, sizeof(shown));
        /* Somebody has removed the device, or the callout has changed it without this file. */
        if (n == -ENOENT || n == -ENODEV)
                return 0;
        if (n < 0)
                return failure_set(failure, FAILURE_IO_ERROR,
                                   "Device %s: it is not known whether the device has changed: ap_config: %s",
                                   task->uuid, strerror((int) -n));

        if (ap_config_compare(&task->attributes, shown, differences, sizeof(differences)) <= 0)
                return 0;
        return failure_set(failure, FAILURE_CALLOUT_FAILED,
                           "Device %s: the callout says that it has changed the device, but the kernel shows something "
                           "else: %s; see whether this host has all of it (ap_max_adapter_id and ap_max_domain_id in "
                           "/sys/bus/ap), and whether the host keeps it (apmask, aqmask) or another device has it",
                           task->uuid, differences);
}
