/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file system that shows a directory, read-only, and notes who looks which names up in it.
 *
 *     lookup-fs DIRECTORY MOUNT_POINT LOG
 *
 * The log has "PID PATH" and a NUL for each look-up and each question for attributes; the path begins with "/", which
 * is the mount point. A look-up of a name with "hang" in it is never answered, as below a mount whose server is gone.
 * The kernel remembers no answer, so that each look-up comes here. */

#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/macro.h"

static int directory_fd, log_fd;

/* Relative to the directory. */
static const char *below(const char *path) {
        return path[1] ? path + 1 : ".";
}

static void note(const char *path) {
        char line[2 * PATH_MAX];
        int n = snprintf(line, sizeof(line), "%d %s", (int) fuse_get_context()->pid, path);

        /* With its NUL. One write, so that those of two threads do not mix. */
        if (write(log_fd, line, (size_t) n < sizeof(line) ? (size_t) n + 1 : sizeof(line)) < 0)
                perror("lookup-fs");
}

static void *op_init(struct fuse_conn_info *connection, struct fuse_config *config) {
        config->use_ino = 1;
        config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
        return NULL;
}

static int op_getattr(const char *path, struct stat *st, struct fuse_file_info *file) {
        note(path);
        while (strstr(path, "hang"))
                pause();
        return fstatat(directory_fd, below(path), st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int op_readlink(const char *path, char *target, size_t size) {
        ssize_t n = readlinkat(directory_fd, below(path), target, size - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        return 0;
}

static int op_open(const char *path, struct fuse_file_info *file) {
        int fd;

        if ((file->flags & O_ACCMODE) != O_RDONLY)
                return -EROFS;
        fd = openat(directory_fd, below(path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        file->fh = (uint64_t) fd;
        return 0;
}

static int op_read(const char *path, char *buffer, size_t size, off_t offset, struct fuse_file_info *file) {
        ssize_t n = pread((int) file->fh, buffer, size, offset);

        return n < 0 ? -errno : (int) n;
}

static int op_release(const char *path, struct fuse_file_info *file) {
        close((int) file->fh);
        return 0;
}

static int op_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *file,
                      enum fuse_readdir_flags flags) {
        int fd = openat(directory_fd, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_closedir_ DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *entry;

        if (!dir)
                return -errno;
        while ((entry = readdir(dir)))
                (void) fill(buffer, entry->d_name, NULL, 0, 0);
        return 0;
}

static const struct fuse_operations operations = {
        .init = op_init,
        .getattr = op_getattr,
        .readlink = op_readlink,
        .open = op_open,
        .read = op_read,
        .release = op_release,
        .readdir = op_readdir,
};

int main(int argc, char **argv) {
        if (argc != 4)
                return EXIT_FAILURE;
        directory_fd = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
        log_fd = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (directory_fd < 0 || log_fd < 0) {
                perror("lookup-fs");
                return EXIT_FAILURE;
        }

        char *arguments[] = { argv[0], (char *) "-f", argv[2], NULL };
        return fuse_main(ELEMENTSOF(arguments) - 1, arguments, &operations, NULL);
}
