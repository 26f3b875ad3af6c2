/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The store: its directories, and who watches them. */

#include "daemon/definitions/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/inotify.h>

#include "common/io.h"
#include "common/name.h"
#include "common/root.h"
#include "common/store-file.h"
#include "common/utf8.h"
#include "daemon/base/log.h"
#include "daemon/base/worklist.h"
#include "daemon/definitions/store-link.h"
#include "daemon/registry/device.h"

/* An editor needs several steps to save a file; what it did is looked at after so long. */
#define LOOK_USEC (20 * USEC_PER_MSEC)

/* IN_CREATE: what is made without being opened, a link or a FIFO, shows as that alone. */
#define DIRECTORY_EVENTS (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_ONLYDIR)
#define STORE_EVENTS (IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct store_directory *store_find_directory(struct store *store, const char *parent) {
        struct store_directory *directory;

        HASH_FIND_STR(store->directories, parent, directory);
        return directory;
}

static struct stored_definition *find_in(struct store_directory *directory, const char *uuid) {
        struct stored_definition *definition;

        HASH_FIND_STR(directory->definitions, uuid, definition);
        return definition;
}

struct stored_definition *store_find(struct store *store, const char *parent, const char *uuid) {
        struct store_directory *directory = store_find_directory(store, parent);

        return directory ? find_in(directory, uuid) : NULL;
}

size_t store_find_all(struct store *store, const char *uuid, struct stored_definition **ret, size_t size) {
        struct store_directory *directory, *next;
        size_t n = 0;

        HASH_ITER(hh, store->directories, directory, next) {
                struct stored_definition *definition = find_in(directory, uuid);

                if (definition && n++ < size)
                        ret[n - 1] = definition;
        }
        return n;
}

void store_device_changed(struct store *store, struct device *device) {
        struct stored_definition *definition = store_find(store, device->parent, device->uuid);

        if (definition)
                stored_definition_set_device(definition, device);
}

void store_device_gone(struct store *store, const struct device *device) {
        struct stored_definition *definition = store_find(store, device->parent, device->uuid);

        if (definition)
                stored_definition_set_device(definition, NULL);
}

void store_touch(struct store *store, const char *parent, const char *name, uint64_t delay_usec) {
        _cleanup_free_ char *item = NULL;

        if (asprintf(&item, "%s%s%s", parent ? parent : "", parent ? "/" : "", parent ? name : "") >= 0 &&
            worklist_add(store->touched, item, NULL, delay_usec) >= 0)
                return;
        if (!timer_is_armed(store->again_timer))
                timer_arm(store->again_timer, STORE_AGAIN_USEC);
}

static void scan_directory(struct store *store, const char *parent);
static int touch_all(struct store *store);

/* A whole directory may be much work. */
static bool look_at(const char *item, const char *detail, void *userdata) {
        const char *slash = strchr(item, '/');
        struct store *store = userdata;
        struct store_directory *directory;
        char parent[NAME_MAX + 1];

        if (!slash) {
                (void) touch_all(store);
                return true;
        }

        snprintf(parent, sizeof(parent), "%.*s", (int) (slash - item), item);
        if (!slash[1]) {
                scan_directory(store, parent);
                return true;
        }
        directory = store_find_directory(store, parent);
        if (directory)
                (void) stored_definition_refresh(directory, slash + 1);
        return false;
}

static void on_looked(void *userdata) {
        const struct store *store = userdata;

        if (store->observer->looked)
                store->observer->looked(store->userdata);
}

static int on_again(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) touch_all(userdata);
        return 0;
}

bool store_hurry(struct store *store) {
        return worklist_hurry(store->touched);
}

/* Hidden files are nobody's definitions: editors' and our own temporary ones. */
static bool is_candidate(const char *name) {
        return name[0] != '.' && utf8_is_valid(name, strlen(name));
}

/* Every watch hears of it, once is enough. */
static void on_lost_events(struct store *store) {
        if (!worklist_has(store->touched, ""))
                log_info("Events of the store were lost, looking at everything again");
        store_touch(store, NULL, NULL, LOOK_USEC);
}

static int on_directory_event(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        struct store_directory *directory = userdata;

        if (event->mask & IN_Q_OVERFLOW)
                on_lost_events(directory->store);
        else if (event->mask & IN_IGNORED)
                /* It is gone; by the time of the look there may be another one. */
                store_touch(directory->store, directory->parent, "", LOOK_USEC);
        else if (event->len > 0 && is_candidate(event->name))
                /* One that is still being written is left alone for a while: see store_file_is_fresh(). */
                store_touch(directory->store, directory->parent, event->name, LOOK_USEC);
        return 0;
}

static int on_store_event(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        struct store *store = userdata;
        const char *reason;

        if (event->mask & IN_Q_OVERFLOW)
                on_lost_events(store);
        else if (event->len == 0 || (!store->is_there && streq(event->name, path_name(STORE_DIRECTORY))))
                store_touch(store, NULL, NULL, LOOK_USEC);
        else if (store->is_there && parent_name_check(event->name, &reason) >= 0)
                store_touch(store, event->name, "", LOOK_USEC);
        return 0;
}

static void directory_free(struct store_directory *directory) {
        assert(!directory->definitions);
        HASH_DEL(directory->store->directories, directory);
        sd_event_source_disable_unref(directory->watch);
        free(directory->parent);
        free(directory);
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
        /* In the order of their names: so they are looked at and undefined. */
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
        r = sd_event_add_inotify_fd(directory->store->event, &directory->watch, fd, DIRECTORY_EVENTS,
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

/* Open, known and watched, if it is in the store; another one of the same name is watched instead. @parent is a name
 * that the store has, or had. Returns an fd. */
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

/* A name that comes into the directory after it was listed gives it another time of change (st_ctime: nobody can set
 * it), unless both are within one tick of the file system's clock. */
#define LISTING_SAFE_USEC (2 * USEC_PER_SEC)

static uint64_t realtime_usec(const struct timespec *ts) {
        return (uint64_t) ts->tv_sec * USEC_PER_SEC + (uint64_t) ts->tv_nsec / NSEC_PER_USEC;
}

/* Looks at all files of the directory that are not known. Closes @fd. */
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
                if (is_candidate(entry->d_name) && !find_in(directory, entry->d_name))
                        all_known &= !!stored_definition_refresh_at(directory, dirfd(dir), entry->d_name);

        directory->is_listed = all_known && realtime_usec(&st.st_ctim) + LISTING_SAFE_USEC < realtime_usec(&now);
        directory->listed = st.st_ctim;
}

static void scan_directory(struct store *store, const char *parent) {
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

/* Whether it is the directory that is watched, and no name has come into it since it was listed. */
static bool is_as_listed(const struct store_directory *directory, int store_fd) {
        struct stat st;

        return directory->is_listed && fstatat(store_fd, directory->parent, &st, AT_SYMLINK_NOFOLLOW) >= 0 &&
               st.st_dev == directory->watched_dev && st.st_ino == directory->watched_inode &&
               st.st_ctim.tv_sec == directory->listed.tv_sec && st.st_ctim.tv_nsec == directory->listed.tv_nsec;
}

/* A UUID that is not known is compared with the names that are there, and not looked up. @parent is a name that the
 * store has. */
static void look_in(struct store *store, int store_fd, const char *parent, const char *uuid) {
        struct store_directory *directory = store_find_directory(store, parent);
        struct stored_definition *definition;
        int fd;

        if (!directory || directory->watched_inode == 0)
                return scan_directory(store, parent);

        definition = find_in(directory, uuid);
        if (definition)
                (void) stored_definition_refresh(directory, definition->uuid);
        if (is_as_listed(directory, store_fd))
                return;
        fd = directory_open(store, parent, &directory);
        if (fd >= 0)
                list_directory(directory, fd);
}

/* Returns 0 or a negative errno. */
static int open_store(DIR **ret) {
        _cleanup_close_ int fd = -1;

        fd = store_open();
        return fd < 0 ? fd : open_directory_at(fd, ".", ret);
}

/* In all directories, or in @parent's. */
static void look_for(struct store *store, const char *parent, const char *uuid) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        const char *reason;

        if (open_store(&dir) < 0)
                return;

        while ((entry = readdir(dir)))
                if ((!parent || streq(parent, entry->d_name)) && parent_name_check(entry->d_name, &reason) >= 0)
                        look_in(store, dirfd(dir), entry->d_name, uuid);
}

void store_look_for(struct store *store, const char *uuid) {
        look_for(store, NULL, uuid);
}

struct stored_definition *store_refresh(struct store *store, const char *parent, const char *uuid) {
        struct store_directory *directory = store_find_directory(store, parent);
        struct stored_definition *definition = directory ? find_in(directory, uuid) : NULL;

        if (definition)
                return stored_definition_refresh(directory, definition->uuid);
        look_for(store, parent, uuid);
        return store_find(store, parent, uuid);
}

struct stored_definition *store_written(struct store *store, const char *parent, const char *uuid) {
        struct store_directory *directory = store_find_directory(store, parent);

        return directory && directory->watched_inode > 0 ? stored_definition_refresh(directory, uuid) :
                                                           store_refresh(store, parent, uuid);
}

/* A store that is not there is watched for in the directory where it will be. */
static void watch(struct store *store, int store_fd) {
        _cleanup_close_ int etc_fd = -1;
        int r;

        sd_event_source_disable_unref(store->watch);
        store->watch = NULL;
        store->is_there = store_fd >= 0;
        if (store_fd < 0) {
                etc_fd = openat(root_fd(), "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                store_fd = etc_fd;
        }
        if (store_fd < 0)
                return;

        r = sd_event_add_inotify_fd(store->event, &store->watch, store_fd, STORE_EVENTS, on_store_event, store);
        if (r < 0)
                log_warning_errno(r, "Failed to watch /" STORE_DIRECTORY ", changes by others show after a reload: %m");
        if (r == -ENOMEM)
                store_touch(store, NULL, NULL, STORE_AGAIN_USEC);
        /* Made between the two looks, it has had its event before the watch. */
        if (!store->is_there && faccessat(root_fd(), STORE_DIRECTORY, F_OK, 0) >= 0)
                store_touch(store, NULL, NULL, LOOK_USEC);
}

/* Returns 0 or a negative errno. */
static int touch_all(struct store *store) {
        struct store_directory *directory, *next;
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        const char *reason;
        int r;

        HASH_ITER(hh, store->directories, directory, next)
                store_touch(store, directory->parent, "", 0);

        r = open_store(&dir);
        if (is_shortage(r)) {
                store_touch(store, NULL, NULL, STORE_AGAIN_USEC);
                return r;
        }
        watch(store, dir ? dirfd(dir) : -1);
        while (dir && (entry = readdir(dir)))
                if (parent_name_check(entry->d_name, &reason) >= 0)
                        store_touch(store, entry->d_name, "", 0);
        return r == -ENOENT ? 0 : r;
}

void store_scan(struct store *store) {
        int r;

        r = touch_all(store);
        if (r < 0)
                log_error_errno(r, "Failed to read /" STORE_DIRECTORY ": %m");
        worklist_settle(store->touched);
}

int store_new(struct store **ret, sd_event *event, struct exports *exports, struct registry *registry,
              const struct store_observer *observer, void *userdata) {
        _cleanup_(store_freep) struct store *store = NULL;
        int r;

        store = calloc(1, sizeof(*store));
        if (!store)
                return -ENOMEM;
        *store = (struct store) {
                .event = event,
                .exports = exports,
                .registry = registry,
                .observer = observer,
                .userdata = userdata,
        };

        r = worklist_new(&store->touched, event, "store", look_at, on_looked, store);
        if (r < 0)
                return r;
        r = timer_new(&store->again_timer, event, "store-again", PRIORITY_REQUESTS, TIMER_EXACT_USEC, on_again, store);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(store);
        return 0;
}

struct store *store_free(struct store *store) {
        struct store_directory *directory, *next;

        if (!store)
                return NULL;

        HASH_ITER(hh, store->directories, directory, next) {
                struct stored_definition *definition, *next_definition;

                HASH_ITER(hh, directory->definitions, definition, next_definition)
                        stored_definition_forget(definition);
                directory_free(directory);
        }
        store_link_forget_all(store);
        worklist_free(store->touched);
        sd_event_source_disable_unref(store->watch);
        sd_event_source_disable_unref(store->again_timer);
        free(store);
        return NULL;
}
