/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files and time. */

#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/* If a link is in the place of a directory, openat() only says ENOTDIR. */
static int open_component(int dir_fd, const char *name, int flags) {
        struct stat st;
        int fd, error;

        fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
                return fd;
        error = errno;
        if (error == ENOTDIR && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISLNK(st.st_mode))
                return -ELOOP;
        return -error;
}

static bool is_below(const char *name) {
        return *name && !streq(name, ".") && !streq(name, "..");
}

/* openat2() does the same in one call. But a seccomp filter cannot see its arguments, so systemd forbids it to services
 * with RestrictSUIDSGID=. */
int open_beneath(int dir_fd, const char *path, int flags) {
        _cleanup_close_ int fd = -1;
        const char *slash;

        while ((slash = strchr(path, '/'))) {
                _cleanup_free_ char *name = strndup(path, (size_t) (slash - path));
                int next;

                if (!name)
                        return -ENOMEM;
                if (!is_below(name))
                        return -EXDEV;
                next = open_component(fd < 0 ? dir_fd : fd, name, O_PATH | O_DIRECTORY);
                if (next < 0)
                        return next;
                closep(&fd);
                fd = next;
                path = slash + 1;
        }

        return is_below(path) ? open_component(fd < 0 ? dir_fd : fd, path, flags) : -EXDEV;
}

int open_directory_at(int dir_fd, const char *path, DIR **ret) {
        _cleanup_close_ int fd = -1;
        DIR *dir;

        fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir)
                return -errno;

        TAKE_FD(fd);
        *ret = dir;
        return 0;
}

int first_entry_at(int dir_fd, const char *path, char *ret, size_t size) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int r;

        r = open_directory_at(dir_fd, path, &dir);
        if (r < 0)
                return r;
        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        return (size_t) snprintf(ret, size, "%s", entry->d_name) < size ? 0 : -ENAMETOOLONG;
        return -ENOENT;
}

bool has_entries_at(int dir_fd, const char *path) {
        char name[NAME_MAX + 1];

        return first_entry_at(dir_fd, path, name, sizeof(name)) >= 0;
}

bool is_shortage(int error) {
        return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

ssize_t read_fd(int fd, char *buffer, size_t size) {
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
        }

        return (ssize_t) length;
}

ssize_t read_text_at(int dir_fd, const char *path, char *buffer, size_t size) {
        _cleanup_close_ int fd = -1;
        ssize_t n;

        fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        n = read_fd(fd, buffer, size - 1);
        if (n < 0)
                return n;

        if (n > 0 && buffer[n - 1] == '\n')
                n--;
        buffer[n] = '\0';
        return n;
}

int write_text_fd(int fd, const char *text) {
        size_t length = strlen(text);
        ssize_t n;

        do
                n = write(fd, text, length);
        while (n < 0 && errno == EINTR);

        if (n < 0)
                return -errno;
        return (size_t) n == length ? 0 : -EIO;
}

int readlink_name_at(int dir_fd, const char *path, char *buffer, size_t size) {
        char target[4096];
        const char *name;
        ssize_t n;

        n = readlinkat(dir_fd, path, target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        target[n] = '\0';

        name = path_name(target);
        if (strlen(name) >= size)
                return -ENAMETOOLONG;

        strcpy(buffer, name);
        return 0;
}

int replace_link(int dir_fd, const char *path, const char *name, const char *target) {
        char link[PATH_MAX], temporary[PATH_MAX];

        if ((size_t) snprintf(link, sizeof(link), "%s/%s", path, name) >= sizeof(link) ||
            (size_t) snprintf(temporary, sizeof(temporary), "%s/.%s", path, name) >= sizeof(temporary))
                return -ENAMETOOLONG;
        if (mkdirat(dir_fd, path, 0755) < 0 && errno != EEXIST)
                return -errno;
        (void) unlinkat(dir_fd, temporary, 0);
        if (symlinkat(target, dir_fd, temporary) < 0)
                return -errno;
        return renameat(dir_fd, temporary, dir_fd, link) < 0 ? -errno : 0;
}

const char *path_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

uint64_t now_usec(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / NSEC_PER_USEC;
}

void sleep_usec(uint64_t usec) {
        struct timespec ts = {
                .tv_sec = (time_t) (usec / USEC_PER_SEC),
                .tv_nsec = (long) (usec % USEC_PER_SEC * NSEC_PER_USEC),
        };

        while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
                ;
}
