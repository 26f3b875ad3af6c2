/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who uses a device: its nodes in /dev/vfio, and the processes that have one of them open. */

#include "common/holders.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "common/io.h"
#include "common/root.h"
#include "common/sysfs.h"

#define VFIO_DIRECTORY "dev/vfio"

/* "/dev/vfio/GROUP" and "/dev/vfio/devices/vfioN", empty where the device has no such node. */
struct nodes {
        char group[PATH_MAX];
        char device[PATH_MAX];
};

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

static int tell_holder(int proc_fd, pid_t pid, holder_func *found, void *userdata) {
        char path[64], name[16];

        snprintf(path, sizeof(path), "%d/comm", (int) pid);
        if (read_text_at(proc_fd, path, name, sizeof(name)) < 0)
                strcpy(name, "?");
        /* A process may call itself anything; what goes into a message must be plain text. */
        for (char *p = name; *p; p++)
                if (!isascii(*p) || !isprint(*p))
                        *p = '?';

        return found(pid, name, userdata);
}

int holders_find(int device_fd, holder_func *found, void *userdata) {
        _cleanup_closedir_ DIR *proc = NULL;
        struct dirent *entry;
        struct nodes nodes;
        int r, n = 0;

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
                r = tell_holder(dirfd(proc), pid, found, userdata);
                if (r < 0)
                        return r;
                n++;
        }

        return n;
}

bool holder_has_device(pid_t pid) {
        _cleanup_closedir_ DIR *fds = NULL;
        struct dirent *entry;
        char path[64];

        snprintf(path, sizeof(path), "proc/%d/fd", (int) pid);
        if (open_directory_at(root_fd(), path, &fds) < 0)
                return true;

        while ((entry = readdir(fds))) {
                char target[PATH_MAX];
                ssize_t n = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);

                if (n < 0)
                        continue;
                target[n] = '\0';
                if (strncmp(target, "anon_inode:[vfio-device]", strlen("anon_inode:[vfio-device]")) == 0 ||
                    strncmp(target, "/" VFIO_DIRECTORY "/devices/", strlen("/" VFIO_DIRECTORY "/devices/")) == 0)
                        return true;
        }
        return false;
}
