/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of the store. */

#include "common/store-file.h"

#include <fcntl.h>

#include "common/io.h"
#include "common/name.h"
#include "common/root.h"

int store_open(void) {
        int fd = openat(root_fd(), STORE_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

int store_open_parent(int store_fd, const char *parent) {
        const char *reason;
        int fd;

        if (parent_name_check(parent, &reason) < 0)
                return -EINVAL;

        fd = openat(store_fd, parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int say(struct definition_error *error, int r, const char *message) {
        error->line = 0;
        snprintf(error->message, sizeof(error->message), "%s", message);
        return r;
}

static int judge(const struct stat *st, struct definition_error *error) {
        if (!S_ISREG(st->st_mode))
                return say(error, -EBADMSG, "is not a regular file");
        if (st->st_nlink != 1)
                return say(error, -EBADMSG, "has another name elsewhere (a hard link)");
        if (st->st_size > DEFINITION_SIZE_MAX)
                return say(error, -EFBIG, "is larger than 64 KiB");
        return 0;
}

static ssize_t read_all(int fd, char *buffer, size_t size) {
        size_t length = 0;
        ssize_t n;

        while (length < size) {
                n = read(fd, buffer + length, size - length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                length += (size_t) n;
                /* A regular file gives less than was asked for only at its end. */
                if (length < size)
                        break;
        }
        return (ssize_t) length;
}

int store_read(int parent_fd, const char *name, struct definition **ret, struct stat *ret_stat,
               struct definition_error *ret_error) {
        static char buffer[DEFINITION_SIZE_MAX + 1];
        _cleanup_close_ int fd = -1;
        struct stat st;
        ssize_t n;
        int r;

        /* O_NONBLOCK: opening a FIFO would wait for a writer. */
        fd = openat(parent_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 && errno == ELOOP)
                return say(ret_error, -EBADMSG, "is a symbolic link");
        if (fd < 0 && errno == ENXIO)
                return say(ret_error, -EBADMSG, "is not a regular file");
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (ret_stat)
                *ret_stat = st;

        r = judge(&st, ret_error);
        if (r < 0)
                return r;
        n = read_all(fd, buffer, sizeof(buffer));
        if (n < 0)
                return (int) n;
        return definition_parse(buffer, (size_t) n, ret, ret_error);
}
