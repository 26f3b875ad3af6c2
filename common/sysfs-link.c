/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What all kinds of devices need of the driver core's links. */

#include "common/sysfs-link.h"

#include <errno.h>
#include <limits.h>

#include "common/io.h"
#include "common/root.h"

int sysfs_resolve_link(const char *link, char *ret, size_t size) {
        char target[PATH_MAX];
        const char *devices;
        ssize_t n;

        n = readlinkat(root_fd(), link, target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        target[n] = '\0';

        devices = strstr(target, "/devices/");
        if (!devices)
                return -ENOENT;
        if ((size_t) snprintf(ret, size, "/sys%s", devices) >= size)
                return -ENAMETOOLONG;

        return 0;
}

bool sysfs_name_is_plain(const char *name) {
        return *name && !streq(name, ".") && !streq(name, "..") && !strchr(name, '/') && strlen(name) <= NAME_MAX;
}

int sysfs_lists(const char *path, const char *name) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int r;

        r = open_directory_at(root_fd(), path, &dir);
        if (r < 0)
                return r;
        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.' && streq(entry->d_name, name))
                        return 1;
        return 0;
}
