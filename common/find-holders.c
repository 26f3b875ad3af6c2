/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The holders of a device: finds its nodes in /dev/vfio, and the processes that have one of them open. */

#include "common/find-holders.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/device.h"
#include "common/io.h"
#include "common/root.h"

/* What identifies a node: its type, and the number of the device; or, if it is not a device, the inode number. A node
 * without stx_mask does not exist, and nothing matches it. */
#define NODE_MASK (STATX_TYPE | STATX_INO)

/* "/dev/vfio/GROUP" and "/dev/vfio/devices/vfioN". */
struct nodes {
        struct statx group;
        struct statx device;
};

/* A process that does not see the node in /dev finds its number in sysfs. */
static void find_node(const char *node, int dir_fd, const char *dev, struct statx *ret) {
        char text[32];

        if (statx(root_fd(), node, AT_SYMLINK_NOFOLLOW, NODE_MASK, ret) >= 0)
                return;
        *ret = (struct statx) {};
        if (read_text_at(dir_fd, dev, text, sizeof(text)) < 0 ||
            sscanf(text, "%" SCNu32 ":%" SCNu32, &ret->stx_rdev_major, &ret->stx_rdev_minor) != 2)
                return;
        ret->stx_mask = STATX_TYPE;
        ret->stx_mode = S_IFCHR;
}

static void find_device_node(int device_fd, struct statx *ret) {
        char name[SYSFS_NAME_SIZE], node[PATH_MAX], dev[PATH_MAX];

        *ret = (struct statx) {};
        if (first_entry_at(device_fd, "vfio-dev", name, sizeof(name)) < 0)
                return;
        snprintf(node, sizeof(node), "dev/vfio/devices/%s", name);
        snprintf(dev, sizeof(dev), "vfio-dev/%s/dev", name);
        find_node(node, device_fd, dev, ret);
}

int vfio_group(int device_fd, char *ret, size_t size) {
        return readlink_name_at(device_fd, "iommu_group", ret, size);
}

static void find_nodes(int device_fd, struct nodes *ret) {
        char group[SYSFS_NAME_SIZE], node[PATH_MAX], dev[PATH_MAX];

        *ret = (struct nodes) {};
        find_device_node(device_fd, &ret->device);
        if (vfio_group(device_fd, group, sizeof(group)) < 0)
                return;
        snprintf(node, sizeof(node), "dev/vfio/%s", group);
        snprintf(dev, sizeof(dev), "sys/class/vfio/%s/dev", group);
        find_node(node, root_fd(), dev, &ret->group);
}

static bool is_node(const struct statx *file, const struct statx *node) {
        if (node->stx_mask == 0 || ((file->stx_mode ^ node->stx_mode) & S_IFMT))
                return false;
        if (S_ISCHR(node->stx_mode))
                return file->stx_rdev_major == node->stx_rdev_major && file->stx_rdev_minor == node->stx_rdev_minor;
        /* In a simulated host, the nodes are other files than devices. */
        return file->stx_dev_major == node->stx_dev_major && file->stx_dev_minor == node->stx_dev_minor &&
               file->stx_ino == node->stx_ino;
}

/* A process that may not open a node can still have a file descriptor of its path (O_PATH), with which it can neither
 * read nor write. The link of such a descriptor in /proc has no permission bits, see proc(5). */
static bool is_opened(int fds_fd, const char *name) {
        struct statx link;

        return statx(fds_fd, name, AT_SYMLINK_NOFOLLOW, STATX_MODE, &link) >= 0 &&
               (link.stx_mode & (S_IRUSR | S_IWUSR));
}

/* The path that a link in /proc shows proves nothing: in its own mount namespace a process can give this path to any
 * file. AT_STATX_DONT_SYNC: the file may be on a file system whose server does not answer. */
static bool has_open(DIR *fds, const struct nodes *nodes) {
        struct dirent *entry;

        while ((entry = readdir(fds))) {
                struct statx file;

                if (entry->d_name[0] != '.' &&
                    statx(dirfd(fds), entry->d_name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, NODE_MASK, &file) >= 0 &&
                    (is_node(&file, &nodes->group) || is_node(&file, &nodes->device)) &&
                    is_opened(dirfd(fds), entry->d_name))
                        return true;
        }
        return false;
}

static int tell_holder(int proc_fd, pid_t pid, holder_func *found, void *userdata) {
        char path[64], name[16];

        snprintf(path, sizeof(path), "%d/comm", (int) pid);
        if (read_text_at(proc_fd, path, name, sizeof(name)) < 0)
                strcpy(name, "?");
        /* A process can have any name, but what goes into a message must be plain text. */
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
                if (open_directory_at(dirfd(proc), path, &fds) < 0 || !has_open(fds, &nodes))
                        continue;
                r = tell_holder(dirfd(proc), pid, found, userdata);
                if (r < 0)
                        return r;
                n++;
        }

        return n;
}

static bool has_device_fd(DIR *fds) {
        static const char device[] = "anon_inode:[vfio-device]";
        struct dirent *entry;
        char target[sizeof(device)];

        while ((entry = readdir(fds)))
                if (readlinkat(dirfd(fds), entry->d_name, target, sizeof(target)) >= (ssize_t) strlen(device) &&
                    strncmp(target, device, strlen(device)) == 0)
                        return true;
        return false;
}

bool holder_has_device(int device_fd, pid_t pid) {
        _cleanup_closedir_ DIR *fds = NULL;
        struct nodes nodes = {};
        char path[64];

        snprintf(path, sizeof(path), "proc/%d/fd", (int) pid);
        if (open_directory_at(root_fd(), path, &fds) < 0)
                return true;
        find_device_node(device_fd, &nodes.device);
        if (has_open(fds, &nodes))
                return true;
        rewinddir(fds);
        return has_device_fd(fds);
}
