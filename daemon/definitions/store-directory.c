/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The directory of one parent: watching it, and looking at its files. */

#include "daemon/definitions/store-directory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>

#include "common/io.h"
#include "common/store-file.h"
#include "common/utf8.h"
#include "daemon/base/log.h"
#include "daemon/definitions/store-link.h"
#include "daemon/definitions/store.h"

/* A link or a FIFO, which is made without being opened, has IN_CREATE alone. */
#define EVENTS (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_ONLYDIR)

struct stored_definition *store_directory_find(struct store_directory *directory, const char *name) {
        struct stored_definition *definition;

        HASH_FIND_STR(directory->definitions, name, definition);
        return definition;
}

/* Hidden files are temporary ones, of editors and of our workers. */
static bool is_candidate(const char *name) {
        return name[0] != '.' && utf8_is_valid(name, strlen(name));
}

static int on_directory_event(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        struct store_directory *directory = userdata;

        if (event->mask & IN_Q_OVERFLOW)
                store_lost_events(directory->store);
        else if (event->mask & IN_IGNORED)
                /* The directory is gone. When it is looked at, there may be another one. */
                store_touch(directory->store, directory->parent, "", STORE_LOOK_USEC);
        else if (event->len > 0 && is_candidate(event->name))
                /* A file that is still being written is left alone for longer, see store_file_is_fresh(). */
                store_touch(directory->store, directory->parent, event->name, STORE_LOOK_USEC);
        return 0;
}

static void directory_free(struct store_directory *directory) {
        assert(!directory->definitions && directory->hh.tbl);
        HASH_DEL(directory->store->directories, directory);
        sd_event_source_disable_unref(directory->watch);
        free(directory->parent);
        free(directory);
}

void store_directory_forget(struct store_directory *directory) {
        struct stored_definition *definition, *next;

        HASH_ITER(hh, directory->definitions, definition, next)
                stored_definition_forget(definition);
        directory_free(directory);
}

/* It is not in the store any more. */
static void directory_gone(struct store_directory *directory) {
        struct stored_definition *definition, *next;

        HASH_ITER(hh, directory->definitions, definition, next)
                stored_definition_gone(definition);
        directory_free(directory);
}

static int by_parent(const struct store_directory *a, const struct store_directory *b) {
        return strcmp(a->parent, b->parent);
}

static struct store_directory *directory_new(struct store *store, const char *parent) {
        struct store_directory *directory = calloc(1, sizeof(*directory));

        if (!directory)
                return NULL;
        directory->store = store;
        directory->parent = strdup(parent);
        if (!directory->parent) {
                free(directory);
                return NULL;
        }
        /* In the order of their names, in which they are looked at and undefined. */
        HASH_ADD_KEYPTR_INORDER(hh, store->directories, directory->parent, strlen(directory->parent), directory,
                                by_parent);
        if (directory->hh.tbl)
                return directory;
        free(directory->parent);
        free(directory);
        return NULL;
}

static void directory_watch(struct store_directory *directory, int fd, const struct stat *st) {
        int r;

        sd_event_source_disable_unref(directory->watch);
        directory->watch = NULL;
        directory->is_listed = false;
        r = sd_event_add_inotify_fd(directory->store->event, &directory->watch, fd, EVENTS,
                                    on_directory_event, directory);
        if (r < 0)
                log_full(LOG_WARNING, r, (struct log_fields) { .parent = directory->parent },
                         "Failed to watch /" STORE_DIRECTORY "/%s, changes by others show after a reload: %m",
                         directory->parent);
        if (r == -ENOMEM)
                return store_touch(directory->store, directory->parent, "", STORE_AGAIN_USEC);
        directory->watched_dev = st->st_dev;
        directory->watched_inode = st->st_ino;
}

static int open_directory(struct store *store, const char *parent) {
        _cleanup_close_ int store_fd = -1;

        store_fd = store_open();
        return store_fd < 0 ? store_fd : store_open_parent(store_fd, parent);
}

/* Has the directory of @parent known and watched if it is in the store, also if it is another one than before. Returns
 * an fd of it, or a negative errno. */
static int directory_open(struct store *store, const char *parent, struct store_directory **ret) {
        struct store_directory *directory = store_find_directory(store, parent);
        _cleanup_close_ int fd = -1;
        struct stat st;

        fd = open_directory(store, parent);
        if (fd == -EINVAL)
                return fd;
        if (is_shortage(fd)) {
                store_touch(store, parent, "", STORE_AGAIN_USEC);
                return fd;
        }
        if (fd < 0 || fstat(fd, &st) < 0) {
                if (directory)
                        directory_gone(directory);
                store_link_look(store, parent);
                return -ENOENT;
        }
        store_link_forget(store, parent);

        if (!directory)
                directory = directory_new(store, parent);
        if (!directory) {
                store_touch(store, parent, "", STORE_AGAIN_USEC);
                return -ENOMEM;
        }
        if (directory->watched_inode != st.st_ino || directory->watched_dev != st.st_dev)
                directory_watch(directory, fd, &st);
        *ret = directory;
        return TAKE_FD(fd);
}

/* How old st_ctime of a directory must be when it is listed. Each name that comes into it later changes st_ctime, which
 * nobody can set, unless both happen within one tick of the file system's clock. */
#define LISTING_SAFE_USEC (2 * USEC_PER_SEC)

static uint64_t realtime_usec(const struct timespec *ts) {
        return (uint64_t) ts->tv_sec * USEC_PER_SEC + (uint64_t) ts->tv_nsec / NSEC_PER_USEC;
}

/* Looks at the files of the directory that are not known. Closes @fd. */
static void list_directory(struct store_directory *directory, int fd) {
        _cleanup_closedir_ DIR *dir = NULL;
        bool all_known = true;
        struct dirent *entry;
        struct timespec now;
        struct stat st;

        clock_gettime(CLOCK_REALTIME, &now);
        if (fstat(fd, &st) < 0)
                return closep(&fd);
        dir = fdopendir(fd);
        if (!dir) {
                closep(&fd);
                return store_touch(directory->store, directory->parent, "", STORE_AGAIN_USEC);
        }
        while ((entry = readdir(dir)))
                if (is_candidate(entry->d_name) && !store_directory_find(directory, entry->d_name))
                        all_known &= !!stored_definition_refresh_at(directory, dirfd(dir), entry->d_name);

        directory->is_listed = all_known && realtime_usec(&st.st_ctim) + LISTING_SAFE_USEC < realtime_usec(&now);
        directory->listed = st.st_ctim;
}

void store_directory_scan(struct store *store, const char *parent) {
        struct stored_definition *definition, *next;
        struct store_directory *directory;
        int fd;

        fd = directory_open(store, parent, &directory);
        if (fd < 0)
                return;

        HASH_ITER(hh, directory->definitions, definition, next)
                (void) stored_definition_refresh_at(directory, fd, definition->uuid);
        list_directory(directory, fd);
}

/* Whether the store still has the directory that is watched, and no name has come into it since it was listed. */
static bool is_as_listed(const struct store_directory *directory, int store_fd) {
        struct stat st;

        return directory->is_listed && fstatat(store_fd, directory->parent, &st, AT_SYMLINK_NOFOLLOW) >= 0 &&
               st.st_dev == directory->watched_dev && st.st_ino == directory->watched_inode &&
               st.st_ctim.tv_sec == directory->listed.tv_sec && st.st_ctim.tv_nsec == directory->listed.tv_nsec;
}

void store_directory_look_for(struct store *store, int store_fd, const char *parent, const char *uuid) {
        struct store_directory *directory = store_find_directory(store, parent);
        struct stored_definition *definition;
        int fd;

        if (!directory || directory->watched_inode == 0)
                return store_directory_scan(store, parent);

        definition = store_directory_find(directory, uuid);
        if (definition)
                (void) stored_definition_refresh(directory, definition->uuid);
        if (is_as_listed(directory, store_fd))
                return;
        fd = directory_open(store, parent, &directory);
        if (fd >= 0)
                list_directory(directory, fd);
}

