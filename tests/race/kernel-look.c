/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/race/kernel-look.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/macro.h"

static ino_t inode_of(const char *parent, const char *uuid) {
        char path[PATH_MAX];
        struct stat st;

        snprintf(path, sizeof(path), "/sys/class/mdev_bus/%s/%s", parent, uuid);
        return stat(path, &st) < 0 ? 0 : st.st_ino;
}

static bool has(const char *parent, const char *uuid, const char *name) {
        char path[PATH_MAX];
        struct stat st;

        snprintf(path, sizeof(path), "/sys/class/mdev_bus/%s/%s/%s", parent, uuid, name);
        return lstat(path, &st) >= 0;
}

/* It may have moved from one to the other between two looks; not when it is still where it was seen first. */
static bool is_on_two(const char *uuid, const char *const *parents, unsigned int n_parents,
                      unsigned int *ret_first) {
        ino_t inode = 0;

        *ret_first = n_parents;
        for (unsigned int i = 0; i < n_parents; i++) {
                ino_t other = inode_of(parents[i], uuid);

                if (other == 0)
                        continue;
                if (*ret_first < n_parents && inode_of(parents[*ret_first], uuid) == inode)
                        return true;
                *ret_first = i;
                inode = other;
        }
        return false;
}

enum kernel_state kernel_look(const char *uuid, const char *const *parents, unsigned int n_parents,
                              int *ret_parent) {
        bool removable, complete;
        unsigned int i;

        *ret_parent = -1;
        if (is_on_two(uuid, parents, n_parents, &i))
                return KERNEL_TWO_PARENTS;
        if (i == n_parents)
                return KERNEL_NONE;

        *ret_parent = (int)i;
        complete = has(parents[i], uuid, "mdev_type");
        removable = has(parents[i], uuid, "remove");
        if (complete)
                return removable ? KERNEL_ACTIVE : KERNEL_WEDGED;
        return KERNEL_TRANSITION;
}
