/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who uses a device: its nodes in /dev/vfio, and the processes that have one of them open. */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>

#include "common/io.h"
#include "common/root.h"
#include "worker/worker.h"

#define VFIO_DIRECTORY "dev/vfio"

/* "/dev/vfio/GROUP" and "/dev/vfio/devices/vfioN", empty where the device has no such node. */
struct nodes {
        char group[PATH_MAX];
        char device[PATH_MAX];
};

int group_hold(int device_fd) {
        char group[SYSFS_NAME_SIZE], path[PATH_MAX];
        int fd, r;

        r = sysfs_device_group(device_fd, group, sizeof(group));
        if (r < 0)
                return r;

        snprintf(path, sizeof(path), VFIO_DIRECTORY "/%s", group);
        fd = openat(root_fd(), path, O_RDWR | O_CLOEXEC | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

static int open_directory_at(int dir_fd, const char *path, DIR **ret) {
        _cleanup_close_ int fd = -1;
        DIR *dir;

        fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir)
                return -errno;

        TAKE_FD(fd);
        *ret = dir;
        return 0;
}

static void find_nodes(int device_fd, struct nodes *ret) {
        _cleanup_closedir_ DIR *dir = NULL;
        char group[SYSFS_NAME_SIZE];
        struct dirent *entry;

        *ret = (struct nodes) {};
        if (sysfs_device_group(device_fd, group, sizeof(group)) >= 0)
                snprintf(ret->group, sizeof(ret->group), "/" VFIO_DIRECTORY "/%s", group);

        if (open_directory_at(device_fd, "vfio-dev", &dir) < 0)
                return;
        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        snprintf(ret->device, sizeof(ret->device), "/" VFIO_DIRECTORY "/devices/%s", entry->d_name);
}

static bool has_open(int fds_fd, DIR *fds, const struct nodes *nodes) {
        struct dirent *entry;

        while ((entry = readdir(fds))) {
                char target[PATH_MAX];
                ssize_t n = readlinkat(fds_fd, entry->d_name, target, sizeof(target) - 1);

                if (n < 0)
                        continue;
                target[n] = '\0';
                if ((nodes->group[0] && streq(target, nodes->group)) ||
                    (nodes->device[0] && streq(target, nodes->device)))
                        return true;
        }

        return false;
}

static int add_holder(struct report *report, int proc_fd, pid_t pid) {
        struct holder *holders;
        char path[64];

        holders = reallocarray(report->holders, report->n_holders + 1, sizeof(struct holder));
        if (!holders)
                return -ENOMEM;
        report->holders = holders;
        holders += report->n_holders++;

        *holders = (struct holder) { .pid = pid };
        snprintf(path, sizeof(path), "%d/comm", (int) pid);
        if (read_text_at(proc_fd, path, holders->name, sizeof(holders->name)) < 0)
                strcpy(holders->name, "?");
        /* A process may call itself anything; what goes into a message must be plain text. */
        for (char *p = holders->name; *p; p++)
                if (!isascii(*p) || !isprint(*p))
                        *p = '?';

        return 0;
}

int find_holders(int device_fd, struct report *report) {
        _cleanup_closedir_ DIR *proc = NULL;
        struct dirent *entry;
        struct nodes nodes;
        int r, found = 0;

        find_nodes(device_fd, &nodes);
        r = open_directory_at(root_fd(), "proc", &proc);
        if (r < 0)
                return r;

        while ((entry = readdir(proc))) {
                _cleanup_closedir_ DIR *fds = NULL;
                pid_t pid = atoi(entry->d_name);
                char path[64];

                if (pid <= 0 || pid == getpid())
                        continue;
                snprintf(path, sizeof(path), "%d/fd", (int) pid);
                if (open_directory_at(dirfd(proc), path, &fds) < 0 || !has_open(dirfd(fds), fds, &nodes))
                        continue;
                r = add_holder(report, dirfd(proc), pid);
                if (r < 0)
                        return r;
                found++;
        }

        return found;
}
