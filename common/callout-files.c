/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where callouts and notifiers are, and which of them mediated runs.
 *
 * It runs them as root, so only root may decide what is run. The path is walked component by component, as the kernel
 * does. A symbolic link is one of the components: its owner decides which program is run, even if that program belongs
 * to root. realpath() would hide the links.
 *
 * The program is executed by its path later. This is safe: only a process that owns a folder or can write to it can put
 * another file in the place of a name, and for each folder on the way this is root alone. */

#include "common/callout-files.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/macro.h"
#include "common/root.h"

const char *const callout_folders[2] = {
        "/usr/lib/mdevctl/scripts.d/callouts",
        "/etc/mdevctl.d/scripts.d/callouts",
};

const char *const notifier_folders[2] = {
        "/usr/lib/mdevctl/scripts.d/notifiers",
        "/etc/mdevctl.d/scripts.d/notifiers",
};

/* How many symbolic links a path may have. The kernel has the same limit. */
#define LINKS_MAX 40

/* Opens the entry @name of the folder; if it is a link, the link itself. Returns -1 when somebody other than root could
 * have made it. */
static int open_roots_own(int dir_fd, const char *name, struct stat *ret) {
        _cleanup_close_ int fd = -1;

        fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, ret) < 0 || ret->st_uid != 0)
                return -1;
        /* The mode of a link has no meaning. */
        if (!S_ISLNK(ret->st_mode) && (ret->st_mode & (S_IWGRP | S_IWOTH)))
                return -1;
        return TAKE_FD(fd);
}

static bool walk(int *fd, char *path, unsigned int *n_links);

static bool follow(int *fd, int link_fd, unsigned int *n_links) {
        char target[PATH_MAX];
        ssize_t n;

        n = readlinkat(link_fd, "", target, sizeof(target) - 1);
        if (n < 0 || ++*n_links > LINKS_MAX)
                return false;
        target[n] = '\0';
        return walk(fd, target, n_links);
}

static bool step(int *fd, int dir_fd, const char *name, unsigned int *n_links) {
        _cleanup_close_ int next = -1;
        struct stat st;

        next = open_roots_own(dir_fd, name, &st);
        if (next < 0)
                return false;
        if (S_ISLNK(st.st_mode))
                return follow(fd, next, n_links);
        closep(fd);
        *fd = TAKE_FD(next);
        return true;
}

/* Goes from the folder *fd along @path, and replaces *fd by the end of the path. Cuts @path into its components. */
static bool walk(int *fd, char *path, unsigned int *n_links) {
        const char *name;

        if (*path == '/' && !step(fd, root_fd(), ".", n_links))
                return false;
        while ((name = strsep(&path, "/")))
                if (*name && !step(fd, *fd, name, n_links))
                        return false;
        return true;
}

bool callout_is_trusted(const char *path) {
        _cleanup_close_ int fd = -1;
        char copy[PATH_MAX];
        unsigned int n_links = 0;

        if (*path != '/' || (size_t) snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
                return false;
        return walk(&fd, copy, &n_links);
}

enum callout_file callout_file_judge(const char *path) {
        struct stat st;

        if (*path != '/' || fstatat(root_fd(), path + 1, &st, 0) < 0 || !S_ISREG(st.st_mode))
                return CALLOUT_FILE_OTHER;
        if (!(st.st_mode & S_IXUSR))
                return CALLOUT_FILE_NOT_EXECUTABLE;
        return callout_is_trusted(path) ? CALLOUT_FILE_RUNS : CALLOUT_FILE_NOT_TRUSTED;
}
