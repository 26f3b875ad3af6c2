/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of the store. */

#include "common/store-file.h"

#include <fcntl.h>
#include <time.h>

#include "common/io.h"
#include "common/name.h"
#include "common/root.h"

/* How often a file is opened again because it was replaced meanwhile. After that, the file that was opened last is
 * read. */
#define REPLACED_MAX 16

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
        if (S_ISLNK(st->st_mode))
                return say(error, -EBADMSG, "is a symbolic link");
        if (!S_ISREG(st->st_mode))
                return say(error, -EBADMSG, "is not a regular file");
        if (st->st_nlink > 1)
                return say(error, -EBADMSG, "has another name elsewhere (a hard link)");
        if (st->st_size > DEFINITION_SIZE_MAX)
                return say(error, -EFBIG, "is larger than 64 KiB");
        return 0;
}

/* An open() of a device can have an effect on it, so the kind of the file is checked first. O_NONBLOCK is for a file
 * that is replaced between the check and the open(). */
static int open_regular(int parent_fd, const char *name, struct stat *st, struct definition_error *error) {
        int fd, r;

        if (fstatat(parent_fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        r = judge(st, error);
        if (r < 0)
                return r;

        fd = openat(parent_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int store_read(int parent_fd, const char *name, struct definition **ret, struct stat *ret_stat,
               struct definition_error *ret_error) {
        static char buffer[DEFINITION_SIZE_MAX + 1];
        struct stat st;
        ssize_t n;
        int r;

        if (!ret_stat)
                ret_stat = &st;
        for (unsigned int i = 0;; i++) {
                _cleanup_close_ int fd = -1;

                fd = open_regular(parent_fd, name, ret_stat, ret_error);
                if (fd < 0)
                        return fd;
                if (fstat(fd, ret_stat) < 0)
                        return -errno;
                /* The file was replaced after it was opened. The new file counts. */
                if (ret_stat->st_nlink == 0 && i < REPLACED_MAX)
                        continue;

                r = judge(ret_stat, ret_error);
                if (r < 0)
                        return r;
                n = read_fd(fd, buffer, sizeof(buffer));
                if (n < 0)
                        return (int) n;
                return definition_parse(buffer, (size_t) n, ret, ret_error);
        }
}

bool store_file_is_fresh(const struct stat *st) {
        struct timespec now;
        int64_t age;

        clock_gettime(CLOCK_REALTIME, &now);
        age = (int64_t) (now.tv_sec - st->st_mtim.tv_sec) * (int64_t) USEC_PER_SEC +
              (now.tv_nsec - st->st_mtim.tv_nsec) / (int64_t) NSEC_PER_USEC;
        return S_ISREG(st->st_mode) && age >= 0 && age < (int64_t) STORE_FRESH_USEC;
}

bool store_file_is_same(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}
