/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parents and devices as the driver core's links and directories show them. */

#include "common/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/root.h"
#include "common/sysfs-link.h"

static void device_link(const char *uuid, char ret[static PATH_MAX]) {
        snprintf(ret, PATH_MAX, SYSFS_DEVICES "/%s", uuid);
}

int sysfs_open_device(const char *uuid) {
        char link[PATH_MAX];
        int fd;

        device_link(uuid, link);
        fd = openat(root_fd(), link, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* The parent is the directory above the device's. */
static int parent_of(const char *path, char ret[static SYSFS_NAME_SIZE]) {
        const char *end = strrchr(path, '/'), *begin = end;

        while (begin > path && begin[-1] != '/')
                begin--;
        if (end - begin <= 0 || end - begin > NAME_MAX)
                return -EINVAL;

        memcpy(ret, begin, (size_t) (end - begin));
        ret[end - begin] = '\0';
        return 0;
}

/* The names `remove` and `mdev_type` in a device's directory show its state: drivers/vfio/mdev/mdev_core.c makes
 * `mdev_type` last and removes `remove` first. */
static enum device_state state_of(bool has_remove, bool has_type) {
        if (has_remove)
                return has_type ? DEVICE_ACTIVE : DEVICE_STARTING;
        return has_type ? DEVICE_WEDGED : DEVICE_STOPPING;
}

static int look_at(int fd, const char *path, struct sysfs_device *ret) {
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (path != ret->path)
                snprintf(ret->path, sizeof(ret->path), "%s", path);
        r = parent_of(ret->path, ret->parent);
        if (r < 0)
                return r;
        ret->inode = st.st_ino;

        /* The kernel makes `remove` before `mdev_type`, and removes it before `mdev_type`. So `mdev_type` is read
         * first: when a removal begins between the two steps, the device looks like one that is being removed, and
         * never like one that is being created. */
        r = readlink_name_at(fd, "mdev_type", ret->type, sizeof(ret->type));
        if (r < 0)
                ret->type[0] = '\0';
        ret->state = state_of(fstatat(fd, "remove", &st, AT_SYMLINK_NOFOLLOW) >= 0, r >= 0);
        return 0;
}

static int look_at_path(const char *path, struct sysfs_device *ret) {
        _cleanup_close_ int fd = -1;

        fd = openat(root_fd(), path + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : look_at(fd, path, ret);
}

int sysfs_look_at_device(const char *uuid, const char *path, struct sysfs_device *ret) {
        _cleanup_close_ int fd = -1;
        char link[PATH_MAX];
        int r;

        /* Mostly the device is where it was, and then no link has to be followed. */
        r = path ? look_at_path(path, ret) : -ENOENT;
        if (r >= 0 || is_shortage(r))
                return r;

        fd = sysfs_open_device(uuid);
        if (fd < 0)
                return fd;
        device_link(uuid, link);
        r = sysfs_resolve_link(link, ret->path, sizeof(ret->path));
        return r < 0 ? r : look_at(fd, ret->path, ret);
}

int sysfs_open_directory(const char *path, ino_t inode) {
        _cleanup_close_ int fd = -1;
        struct stat st;

        fd = openat(root_fd(), path + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        return st.st_ino == inode ? TAKE_FD(fd) : -ENOENT;
}

int sysfs_device_inode(const char *path, ino_t *ret) {
        struct stat st;

        if (fstatat(root_fd(), path + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;

        *ret = st.st_ino;
        return 0;
}

int sysfs_find_device(const char *uuid, struct sysfs_device *ret) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int r;

        r = sysfs_look_at_device(uuid, NULL, ret);
        if (r != -ENOENT)
                return r;

        r = open_directory_at(root_fd(), SYSFS_PARENTS, &dir);
        if (is_shortage(r))
                return r;
        while (dir && (entry = readdir(dir))) {
                struct sysfs_parent parent;
                char path[PATH_MAX];

                if (sysfs_look_at_parent(entry->d_name, &parent) < 0 ||
                    (size_t) snprintf(path, sizeof(path), "%s/%s", parent.path, uuid) >= sizeof(path))
                        continue;
                r = look_at_path(path, ret);
                if (r >= 0 || is_shortage(r))
                        return r;
        }
        return -ENOENT;
}

int sysfs_look_at_parent(const char *name, struct sysfs_parent *ret) {
        _cleanup_close_ int fd = -1;
        char link[PATH_MAX];
        struct stat st;
        int r;

        fd = sysfs_open_types(name);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;

        snprintf(link, sizeof(link), SYSFS_PARENTS "/%s", name);
        r = sysfs_resolve_link(link, ret->path, sizeof(ret->path));
        if (r < 0)
                return r;

        ret->types_dev = st.st_dev;
        ret->types_inode = st.st_ino;
        return 0;
}

int sysfs_open_types(const char *parent) {
        char path[PATH_MAX];
        int fd;

        if (!sysfs_name_is_plain(parent))
                return -ENOENT;

        snprintf(path, sizeof(path), SYSFS_PARENTS "/%s/mdev_supported_types", parent);
        fd = openat(root_fd(), path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}
