/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Logging symbolic links, and watching files with several names. */

#include "daemon/definitions/store-link.h"

#include <fcntl.h>
#include <sys/inotify.h>

#include "common/store-file.h"
#include "daemon/base/log.h"
#include "daemon/definitions/store.h"

/* A symbolic link that was logged. */
struct store_link {
        char *parent;
        UT_hash_handle hh;
};

static void remove_link(struct store *store, struct store_link *link) {
        HASH_DEL(store->links, link);
        free(link->parent);
        free(link);
}

static bool is_link(const char *parent) {
        _cleanup_close_ int store_fd = -1;
        struct stat st;

        store_fd = store_open();
        return store_fd >= 0 && fstatat(store_fd, parent, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISLNK(st.st_mode);
}

void store_link_look(struct store *store, const char *parent) {
        struct store_link *link;

        if (!is_link(parent))
                return store_link_forget(store, parent);
        HASH_FIND_STR(store->links, parent, link);
        if (link)
                return;

        log_full(LOG_WARNING, 0, (struct log_fields) { .parent = parent },
                 "/" STORE_DIRECTORY "/%s is a symbolic link and not followed: no definition there is used; make it "
                 "a directory", parent);
        link = calloc(1, sizeof(*link));
        if (!link)
                return;
        link->parent = strdup(parent);
        if (!link->parent)
                return free(link);
        HASH_ADD_KEYPTR(hh, store->links, link->parent, strlen(link->parent), link);
        if (link->hh.tbl)
                return;
        free(link->parent);
        free(link);
}

void store_link_forget(struct store *store, const char *parent) {
        struct store_link *link;

        HASH_FIND_STR(store->links, parent, link);
        if (link)
                remove_link(store, link);
}

void store_link_forget_all(struct store *store) {
        struct store_link *link, *next;

        HASH_ITER (hh, store->links, link, next)
                remove_link(store, link);
}

static int on_names_changed(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        struct stored_definition *definition = userdata;

        store_touch(definition->directory->store, definition->directory->parent, definition->uuid, 0);
        return 0;
}

void store_link_watch(struct stored_definition *definition, int parent_fd, const struct stat *st) {
        _cleanup_close_ int fd = -1;
        struct stat now;

        if (!S_ISREG(st->st_mode) || st->st_nlink < 2) {
                definition->link_watch = sd_event_source_disable_unref(definition->link_watch);
                return;
        }
        if (definition->link_watch)
                return;

        fd = openat(parent_fd, definition->uuid, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || sd_event_add_inotify_fd(definition->directory->store->event, &definition->link_watch, fd,
                                              IN_ATTRIB | IN_DELETE_SELF, on_names_changed, definition) < 0)
                return;
        /* The other names may have gone before the watch. */
        if (fstat(fd, &now) >= 0 && now.st_nlink < 2)
                store_touch(definition->directory->store, definition->directory->parent, definition->uuid, 0);
}
