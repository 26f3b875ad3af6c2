/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The links in /run/mediated/set-aside. */

#include "daemon/registry/set-aside.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "common/io.h"
#include "common/root.h"
#include "common/sysfs-link.h"

#define DIRECTORY "run/mediated/set-aside"

/* Room for the number of a registration. */
#define TARGET_SIZE 24

/* Returns whether there is room for the path. */
static bool make_path(const char *parent, char ret[static PATH_MAX]) {
        assert(sysfs_name_is_plain(parent));
        return snprintf(ret, PATH_MAX, DIRECTORY "/%s", parent) < PATH_MAX;
}

bool set_aside_load(const char *parent, ino_t registration) {
        char path[PATH_MAX], target[TARGET_SIZE];
        uint64_t number;
        ssize_t n;

        if (!make_path(parent, path))
                return false;
        n = readlinkat(root_fd(), path, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        return sscanf(target, "%" SCNu64, &number) == 1 && number == registration;
}

int set_aside_store(const char *parent, ino_t registration, bool set_aside) {
        char path[PATH_MAX], target[TARGET_SIZE];

        if (!make_path(parent, path))
                return -ENAMETOOLONG;
        if (!set_aside)
                return unlinkat(root_fd(), path, 0) < 0 && errno != ENOENT ? -errno : 0;

        snprintf(target, sizeof(target), "%" PRIu64, (uint64_t) registration);
        return replace_link(root_fd(), DIRECTORY, parent, target);
}
