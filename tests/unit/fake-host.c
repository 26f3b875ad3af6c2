/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A directory that looks like sysfs. */

#include "tests/unit/fake-host.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/macro.h"
#include "common/root.h"
#include "tests/unit/test.h"

/* So many directories are kept that are gone. */
#define GONE_MAX 1000

static char host[NAME_MAX];

static char *path_of(const char *format, ...) _printf_(1, 2);
static char *path_of(const char *format, ...) {
        static char paths[4][PATH_MAX];
        static unsigned int turn;
        char *path = paths[turn++ % 4];
        va_list args;
        int n;

        n = snprintf(path, PATH_MAX, "%s/", host);
        va_start(args, format);
        vsnprintf(path + n, PATH_MAX - (size_t) n, format, args);
        va_end(args);
        return path;
}

static void make_directories(const char *path) {
        char copy[PATH_MAX];

        snprintf(copy, sizeof(copy), "%s/", path);
        for (char *p = copy + 1; *p; p++)
                if (*p == '/') {
                        *p = '\0';
                        assert_true(mkdir(copy, 0755) >= 0 || errno == EEXIST);
                        *p = '/';
                }
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static void remove_tree(const char *path) {
        (void) nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Kept elsewhere and not deleted for a long time, so that its inode number is not used again soon: sysfs never does
 * so. */
static void put_away(const char *path) {
        static unsigned int n;

        assert_int_equal(rename(path, path_of("gone-%u", n)), 0);
        if (n >= GONE_MAX)
                remove_tree(path_of("gone-%u", n - GONE_MAX));
        n++;
}

static void make_file(const char *path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        close(fd);
}

void fake_host_new(void) {
        const char *tmp = getenv("TMPDIR");

        snprintf(host, sizeof(host), "%s/mediated-test-XXXXXX", tmp ? tmp : "/tmp");
        assert_non_null(mkdtemp(host));
        make_directories(path_of("sys/class/mdev_bus"));
        make_directories(path_of("sys/bus/mdev/devices"));
        make_directories(path_of("run/mediated/intents"));
        assert_int_equal(root_set(host), 0);
}

void fake_host_free(void) {
        remove_tree(host);
}

void fake_directory_add(const char *path) {
        make_directories(path_of("%s", path));
}

void fake_type_add(const char *parent, const char *type) {
        make_directories(path_of("sys/devices/virtual/%s/mdev_supported_types/%s", parent, type));
}

void fake_parent_add(const char *name, const char *type) {
        char target[PATH_MAX];

        fake_type_add(name, type);
        snprintf(target, sizeof(target), "../../devices/virtual/%s", name);
        assert_int_equal(symlink(target, path_of("sys/class/mdev_bus/%s", name)), 0);
}

void fake_parent_remove(const char *name) {
        unlink(path_of("sys/class/mdev_bus/%s", name));
        put_away(path_of("sys/devices/virtual/%s", name));
}

void fake_device_set(const char *parent, const char *uuid, int has_remove, const char *type) {
        char *directory = path_of("sys/devices/virtual/%s/%s", parent, uuid), target[PATH_MAX];

        make_directories(directory);
        snprintf(target, sizeof(target), "../../../devices/virtual/%s/%s", parent, uuid);
        assert_true(symlink(target, path_of("sys/bus/mdev/devices/%s", uuid)) >= 0 || errno == EEXIST);

        unlink(path_of("sys/devices/virtual/%s/%s/remove", parent, uuid));
        unlink(path_of("sys/devices/virtual/%s/%s/mdev_type", parent, uuid));
        if (has_remove)
                make_file(path_of("sys/devices/virtual/%s/%s/remove", parent, uuid));
        if (type) {
                snprintf(target, sizeof(target), "../mdev_supported_types/%s", type);
                assert_int_equal(symlink(target, path_of("sys/devices/virtual/%s/%s/mdev_type", parent, uuid)), 0);
        }
}

void fake_device_unlink(const char *uuid) {
        assert_int_equal(unlink(path_of("sys/bus/mdev/devices/%s", uuid)), 0);
}

void fake_device_remove(const char *parent, const char *uuid) {
        unlink(path_of("sys/bus/mdev/devices/%s", uuid));
        put_away(path_of("sys/devices/virtual/%s/%s", parent, uuid));
}
