/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading and writing the records, which are in a tmpfs. */

#include "daemon/autostart/tried.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "common/intent.h"
#include "common/io.h"
#include "common/root.h"
#include "common/uuid.h"

static int make_record(const char *parent) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), TRIED_DIRECTORY "/%s", parent);
        if ((mkdirat(root_fd(), TRIED_DIRECTORY, 0755) < 0 && errno != EEXIST) ||
            (mkdirat(root_fd(), path, 0755) < 0 && errno != EEXIST))
                return -errno;
        return 0;
}

static int open_record(const char *parent) {
        char path[PATH_MAX];
        int fd;

        assert(*parent && !strchr(parent, '/'));
        snprintf(path, sizeof(path), TRIED_DIRECTORY "/%s", parent);
        fd = openat(root_fd(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* readdir() needs memory. If it failed, what was tried for another registration would not be started. */
static int forget_tried(int fd) {
        union {
                struct dirent64 entry;
                char bytes[4096];
        } buffer;
        ssize_t n;

        while ((n = getdents64(fd, &buffer, sizeof(buffer))) > 0)
                for (ssize_t i = 0; i < n;) {
                        const struct dirent64 *entry = (const struct dirent64 *) (const void *) (buffer.bytes + i);

                        if (uuid_is_normal(entry->d_name))
                                (void) unlinkat(fd, entry->d_name, 0);
                        i += entry->d_reclen;
                }
        return n < 0 ? -errno : 0;
}

int tried_begin(const struct parent *parent) {
        char identity[64], recorded[64];
        _cleanup_close_ int fd = -1, identity_fd = -1;
        int r;

        r = make_record(parent->name);
        if (r < 0)
                return r;
        fd = open_record(parent->name);
        if (fd < 0)
                return fd;

        snprintf(identity, sizeof(identity), "%ju %ju", (uintmax_t) parent->types_dev, (uintmax_t) parent->types_inode);
        if (read_text_at(fd, ".identity", recorded, sizeof(recorded)) >= 0 && streq(recorded, identity))
                return 0;

        /* In this order, a crash in between leaves a record of no registration, which is begun again. */
        (void) unlinkat(fd, ".identity", 0);
        r = forget_tried(fd);
        if (r < 0)
                return r;
        identity_fd = openat(fd, ".identity", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        return identity_fd < 0 ? -errno : write_text_fd(identity_fd, identity);
}

bool tried_has(const char *parent, const char *uuid) {
        _cleanup_close_ int fd = -1;

        assert(uuid_is_normal(uuid));
        fd = open_record(parent);
        return fd >= 0 && faccessat(fd, uuid, F_OK, 0) >= 0;
}

int tried_add(const char *parent, const char *uuid) {
        _cleanup_close_ int fd = -1, mark = -1;

        assert(uuid_is_normal(uuid));
        fd = open_record(parent);
        /* Somebody has removed the record from /run. The next daemon will start again what was tried before. */
        if (fd == -ENOENT && intent_make_directory() >= 0 && make_record(parent) >= 0)
                fd = open_record(parent);
        if (fd < 0)
                return fd;
        mark = openat(fd, uuid, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
        return mark < 0 ? -errno : 0;
}

int tried_remove(const char *parent, const char *uuid) {
        _cleanup_close_ int fd = -1;

        assert(uuid_is_normal(uuid));
        fd = open_record(parent);
        if (fd < 0)
                return fd;
        return unlinkat(fd, uuid, 0) < 0 && errno != ENOENT ? -errno : 0;
}
