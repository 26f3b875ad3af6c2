/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The root directory of all paths. It is opened once. */

#include "common/root.h"

#include <errno.h>
#include <fcntl.h>

#include "common/macro.h"

static int fd = -1;

int root_set(const char *path) {
        int new_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (new_fd < 0)
                return -errno;

        closep(&fd);
        fd = new_fd;
        return 0;
}

int root_fd(void) {
        if (fd < 0)
                (void) root_set("/");
        return fd;
}
