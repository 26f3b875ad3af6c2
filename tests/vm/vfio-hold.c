/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vfio-hold [--group] DEVICE: keeps a device in use as a VM would, until it is killed or its parent ends. DEVICE is the
 * UUID of a mediated device, or the name of a PCI function, such as 0000:01:00.1. */

#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

static int open_group(const char *device) {
        const char *bus = strchr(device, ':') ? "pci" : "mdev";
        char link[PATH_MAX], target[PATH_MAX], node[PATH_MAX + 16];
        ssize_t n;
        int fd;

        snprintf(link, sizeof(link), "/sys/bus/%s/devices/%s/iommu_group", bus, device);
        n = readlink(link, target, sizeof(target) - 1);
        if (n < 0)
                error(1, errno, "%s", link);
        target[n] = 0;

        snprintf(node, sizeof(node), "/dev/vfio/%s", basename(target));
        fd = open(node, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                error(1, errno, "%s", node);
        return fd;
}

/* The order is the kernel's: a group gives out devices only once it is in a container with an IOMMU driver. */
static int open_device(int group, const char *device) {
        int container, fd;

        container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
        if (container < 0)
                error(1, errno, "/dev/vfio/vfio");
        if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) < 0)
                error(1, errno, "VFIO_GROUP_SET_CONTAINER");
        if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) < 0)
                error(1, errno, "VFIO_SET_IOMMU (is vfio_iommu_type1 loaded?)");
        fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, device);
        if (fd < 0)
                error(1, errno, "VFIO_GROUP_GET_DEVICE_FD");
        return fd;
}

int main(int argc, char *argv[]) {
        bool group_only = argc == 3 && strcmp(argv[1], "--group") == 0;
        const char *device = argv[argc - 1];
        int group;

        if (argc != 2 && !group_only)
                error(2, 0, "Usage: vfio-hold [--group] DEVICE");

        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
        group = open_group(device);
        if (!group_only)
                (void) open_device(group, device);

        puts("holding");
        fflush(stdout);
        for (;;)
                pause();
}
