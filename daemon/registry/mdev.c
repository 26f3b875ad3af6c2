/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mediated devices: where they, their parents and types are in sysfs, and which messages from udev are about them. */

#include "daemon/registry/mdev.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/root.h"
#include "common/sysfs-link.h"
#include "common/sysfs.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"

static int device_path(const struct parent *parent, const char *uuid, char ret[static PATH_MAX]) {
        int n;

        assert(parent->path[0] == '/' && uuid_is_normal(uuid));
        n = snprintf(ret, PATH_MAX, "%s/%s", parent->path, uuid);
        return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* A device in use that is being removed has lost its link already. */
static void touch_devices_below(struct registry *registry, const char *parent) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct sysfs_parent look;
        struct dirent *entry;
        int r;

        r = sysfs_look_at_parent(parent, &look);
        if (r >= 0)
                r = open_directory_at(root_fd(), look.path + 1, &dir);
        if (is_shortage(r))
                registry_look_again(registry);
        while (dir && (entry = readdir(dir))) {
                char path[PATH_MAX];

                if (uuid_is_normal(entry->d_name) &&
                    snprintf(path, sizeof(path), "%s/%s", look.path, entry->d_name) < PATH_MAX)
                        registry_touch_device(registry, entry->d_name, path);
        }
}

/* Without the mdev module there is no such bus: no devices, and no error. */
static int open_list(const char *path, DIR **ret) {
        int r;

        r = open_directory_at(root_fd(), path, ret);
        return r == -ENOENT ? 0 : r;
}

static int enumerate(struct registry *registry) {
        _cleanup_closedir_ DIR *devices = NULL, *parents = NULL;
        struct dirent *entry;
        int r;

        r = open_list(SYSFS_DEVICES, &devices);
        if (r < 0)
                return r;
        while (devices && (entry = readdir(devices)))
                if (uuid_is_normal(entry->d_name))
                        registry_touch_device(registry, entry->d_name, NULL);

        r = open_list(SYSFS_PARENTS, &parents);
        if (r < 0)
                return r;
        while (parents && (entry = readdir(parents)))
                if (entry->d_name[0] != '.') {
                        registry_touch_parent(registry, entry->d_name);
                        touch_devices_below(registry, entry->d_name);
                }

        return 0;
}

/* MDEV_STATE comes with registering; a replayed event, at boot say, has none. */
static bool is_parent(struct registry *registry, sd_device *event, const char *name) {
        struct sysfs_parent look;
        const char *state;
        int r;

        if (sd_device_get_property_value(event, "MDEV_STATE", &state) >= 0 || parent_find(registry, name))
                return true;
        r = sysfs_look_at_parent(name, &look);
        return r >= 0 || is_shortage(r);
}

static void on_uevent(struct registry *registry, sd_device *event) {
        const char *path, *subsystem, *name;

        if (sd_device_get_property_value(event, "DEVPATH", &path) < 0)
                return;
        name = path_name(path);

        if (sd_device_get_property_value(event, "SUBSYSTEM", &subsystem) >= 0 &&
            streq(subsystem, mdev_backend.subsystem)) {
                if (uuid_is_normal(name))
                        registry_touch_device(registry, name, NULL);
        } else if (is_parent(registry, event, name))
                registry_touch_parent(registry, name);
}

static int lists_parent(const char *name) {
        return sysfs_lists(SYSFS_PARENTS, name);
}

static bool has_type(const struct parent *parent, const char *type) {
        char path[PATH_MAX];
        struct stat st;
        int n;

        n = snprintf(path, sizeof(path), "%s/mdev_supported_types", parent->path + 1);
        if (n >= PATH_MAX || (!mdev_types_find(&parent->types, type) && sysfs_lists(path, type) <= 0))
                return false;
        if (snprintf(path + n, sizeof(path) - (size_t) n, "/%s", type) >= PATH_MAX - n)
                return false;
        return fstatat(root_fd(), path, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISDIR(st.st_mode);
}

static int lists_device(struct registry *registry, const char *uuid) {
        return sysfs_lists(SYSFS_DEVICES, uuid);
}

/* A device of another kind may have had this UUID a moment ago, and its path is not one of a mediated device. */
static int look_at_device(struct registry *registry, const char *uuid, const char *path, struct sysfs_device *ret) {
        return sysfs_look_at_device(uuid, path && streq(path_name(path), uuid) ? path : NULL, ret);
}

/* No fd is opened, so this works where fds are short. An inode's number never changes, so it need not be synchronized;
 * this matters only where a FUSE file system stands for sysfs. */
static int inode_at(const char *path, ino_t *ret) {
        struct statx st;

        if (statx(root_fd(), path + 1, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_INO, &st) < 0)
                return -errno;
        *ret = st.stx_ino;
        return 0;
}

static int device_inode(struct registry *registry, const char *path, ino_t *ret) {
        return inode_at(path, ret);
}

/* A removal takes `mdev_type` away at its beginning. */
static bool is_intact(const char *path) {
        char link[PATH_MAX];
        ino_t inode;

        return snprintf(link, sizeof(link), "%s/mdev_type", path) < PATH_MAX && inode_at(link, &inode) >= 0;
}

static void explain_wedged(const struct device *device, char *ret, size_t size) {
        (void) snprintf(ret, size, "somebody removed it before it was complete, so the kernel cannot remove it any "
                        "more. To free it, unload the driver of parent '%s', or reboot", device->parent);
}

const struct backend mdev_backend = {
        .name = "mdev",
        .enumerate = enumerate,
        .on_uevent = on_uevent,
        .lists_parent = lists_parent,
        .look_at_parent = sysfs_look_at_parent,
        .has_type = has_type,
        .lists_device = lists_device,
        .look_at_device = look_at_device,
        .device_path = device_path,
        .device_inode = device_inode,
        .is_intact = is_intact,
        .subsystem = "mdev",
        .looks_wedged_in_removal = true,
        .explain_wedged = explain_wedged,
        /* The kernel marks a device active just after it has made `mdev_type`. */
        .grace_usec = 100 * USEC_PER_MSEC,
};
