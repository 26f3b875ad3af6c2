/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The links in /run/mediated/set-aside. */

#include "daemon/registry/set-aside.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/root.h"
#include "common/sysfs-link.h"

#define DIRECTORY "run/mediated/set-aside"

/* Room for the number of a registration. */
#define TARGET_SIZE 24

/* Returns whether there is room for the path. */
static bool make_path(const char *prefix, const char *parent, char ret[static PATH_MAX]) {
        assert(sysfs_name_is_plain(parent));
        return snprintf(ret, PATH_MAX, DIRECTORY "/%s%s", prefix, parent) < PATH_MAX;
}

bool set_aside_load(const char *parent, ino_t registration) {
        char path[PATH_MAX], target[TARGET_SIZE];
        uint64_t number;
        ssize_t n;

        if (!make_path("", parent, path))
                return false;
        n = readlinkat(root_fd(), path, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        return sscanf(target, "%" SCNu64, &number) == 1 && number == registration;
}

/* A link takes the place of an older one as a whole. The name of no virtual function begins with a dot. */
int set_aside_store(const char *parent, ino_t registration, bool set_aside) {
        char path[PATH_MAX], temporary[PATH_MAX], target[TARGET_SIZE];

        if (!make_path("", parent, path) || !make_path(".", parent, temporary))
                return -ENAMETOOLONG;
        if (!set_aside)
                return unlinkat(root_fd(), path, 0) < 0 && errno != ENOENT ? -errno : 0;

        if (mkdirat(root_fd(), DIRECTORY, 0755) < 0 && errno != EEXIST)
                return -errno;
        snprintf(target, sizeof(target), "%" PRIu64, (uint64_t) registration);
        (void) unlinkat(root_fd(), temporary, 0);
        if (symlinkat(target, root_fd(), temporary) < 0)
                return -errno;
        return renameat(root_fd(), temporary, root_fd(), path) < 0 ? -errno : 0;
}
