/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parents that mdevctl does not have. */

#include "client/mdevctl/parent.h"

#include <fcntl.h>
#include <limits.h>

#include "client/mdevctl/tell.h"
#include "common/io.h"
#include "common/root.h"
#include "common/sysfs-link.h"
#include "common/sysfs.h"
#include "common/vgpu.h"

static bool exists(const char *path) {
        return faccessat(root_fd(), path, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

/* Only names are looked up. Reading such a file would call the driver. */
bool mdevctl_is_other_parent(const char *name) {
        char path[PATH_MAX];

        if (!sysfs_name_is_plain(name))
                return false;
        return snprintf(path, sizeof(path), VGPU_PARENTS "/%s/nvidia/current_vgpu_type", name) < PATH_MAX &&
               exists(path);
}

/* The daemon takes a card in place of a parent. */
static bool is_other_card(const char *name) {
        char path[PATH_MAX];

        if (!sysfs_name_is_plain(name))
                return false;
        for (unsigned int i = 0;; i++) {
                int n = snprintf(path, sizeof(path), VGPU_PARENTS "/%s/virtfn%u", name, i);

                if (n >= PATH_MAX || !exists(path))
                        return false;
                if (snprintf(path + n, sizeof(path) - (size_t) n, "/nvidia/current_vgpu_type") < PATH_MAX - n &&
                    exists(path))
                        return true;
        }
}

bool mdevctl_is_other_definition(const struct definition *definition) {
        const char *backend = definition_backend(definition);

        return backend && !streq(backend, "mdev");
}

int mdevctl_fail_parent(const char *name) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;

        (void) open_directory_at(root_fd(), SYSFS_PARENTS, &dir);
        while (dir && (entry = readdir(dir)))
                if (strcasecmp(entry->d_name, name) == 0)
                        return mdevctl_fail("Unable to find parent device '%s'. Did you mean '%s'?", name,
                                            entry->d_name);
        return mdevctl_fail("Unable to find parent device '%s'", name);
}

int mdevctl_check_parent(const char *name) {
        return mdevctl_is_other_parent(name) || is_other_card(name) ? mdevctl_fail_parent(name) : EXIT_SUCCESS;
}
