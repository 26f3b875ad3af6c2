/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The store as a whole: watching it, and what is looked at when. */

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
#include "daemon/base/log.h"
#include "daemon/base/worklist.h"
#include "daemon/definitions/store-link.h"
#include "daemon/registry/device.h"

#define EVENTS (IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct store_directory *store_find_directory(struct store *store, const char *parent) {
        struct store_directory *directory;

        HASH_FIND_STR(store->directories, parent, directory);
        return directory;
}

struct stored_definition *store_find(struct store *store, const char *parent, const char *uuid) {
        struct store_directory *directory = store_find_directory(store, parent);

        return directory ? store_directory_find(directory, uuid) : NULL;
}

size_t store_find_all(struct store *store, const char *uuid, struct stored_definition **ret, size_t size) {
        struct store_directory *directory, *next;
        size_t n = 0;

        HASH_ITER(hh, store->directories, directory, next) {
                struct stored_definition *definition = store_directory_find(directory, uuid);

                if (definition && n++ < size)
                        ret[n - 1] = definition;
        }
        return n;
}

void store_parent_changed(struct store *store, const char *parent) {
        struct store_directory *directory = store_find_directory(store, parent);
        struct stored_definition *definition, *next;

        if (directory)
                HASH_ITER(hh, directory->definitions, definition, next)
                        export_change(store->exports, &definition->export, "Parent");
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

void store_touch(struct store *store, const char *parent, const char *name, uint64_t usec) {
        _cleanup_free_ char *item = NULL;

        assert(!parent || name);

        if (asprintf(&item, "%s%s%s", parent ? parent : "", parent ? "/" : "", parent ? name : "") >= 0 &&
            worklist_add(store->touched, item, NULL, usec) >= 0)
                return;
        if (!timer_is_armed(store->again_timer))
                timer_arm(store->again_timer, STORE_AGAIN_USEC);
}

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
                store_directory_scan(store, parent);
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

void store_lost_events(struct store *store) {
        /* Each watch hears of it. */
        if (!worklist_has(store->touched, ""))
                log_info("Events of the store were lost, reading all definitions again");
        store_touch(store, NULL, NULL, STORE_LOOK_USEC);
}

static int on_store_event(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        struct store *store = userdata;
        const char *reason;

        if (event->mask & IN_Q_OVERFLOW)
                store_lost_events(store);
        else if (event->len == 0 || (!store->is_there && streq(event->name, path_name(STORE_DIRECTORY))))
                store_touch(store, NULL, NULL, STORE_LOOK_USEC);
        else if (store->is_there && parent_name_check(event->name, &reason) >= 0)
                store_touch(store, event->name, "", STORE_LOOK_USEC);
        return 0;
}

/* Returns 0 or a negative errno. */
static int open_store(DIR **ret) {
        _cleanup_close_ int fd = -1;

        fd = store_open();
        return fd < 0 ? fd : open_directory_at(fd, ".", ret);
}

/* In the directory of @parent, or in all of them where that is NULL. */
static void look_for(struct store *store, const char *parent, const char *uuid) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        const char *reason;

        if (open_store(&dir) < 0)
                return;

        while ((entry = readdir(dir)))
                if ((!parent || streq(parent, entry->d_name)) && parent_name_check(entry->d_name, &reason) >= 0)
                        store_directory_look_for(store, dirfd(dir), entry->d_name, uuid);
}

void store_look_for(struct store *store, const char *uuid) {
        look_for(store, NULL, uuid);
}

struct stored_definition *store_refresh(struct store *store, const char *parent, const char *uuid) {
        struct store_directory *directory = store_find_directory(store, parent);
        struct stored_definition *definition = directory ? store_directory_find(directory, uuid) : NULL;

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

/* A store that does not exist is expected in the directory where it will appear. */
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

        r = sd_event_add_inotify_fd(store->event, &store->watch, store_fd, EVENTS, on_store_event, store);
        if (r < 0)
                log_warning_errno(r, "Failed to watch /" STORE_DIRECTORY
                                  ", changes by others are noticed only after a reload: %m");
        if (r == -ENOMEM)
                store_touch(store, NULL, NULL, STORE_AGAIN_USEC);
        /* If it has appeared since it was looked for, that may have been before the watch. */
        if (!store->is_there && faccessat(root_fd(), STORE_DIRECTORY, F_OK, 0) >= 0)
                store_touch(store, NULL, NULL, STORE_LOOK_USEC);
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

        assert(event && exports && registry && observer);

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

        HASH_ITER(hh, store->directories, directory, next)
                store_directory_forget(directory);
        assert(!store->directories && store->n_definitions == 0);
        store_link_forget_all(store);
        worklist_free(store->touched);
        sd_event_source_disable_unref(store->watch);
        sd_event_source_disable_unref(store->again_timer);
        free(store);
        return NULL;
}
