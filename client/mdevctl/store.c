/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The definitions as mdevctl sees them. */

#include "client/mdevctl/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "client/mdevctl/parent.h"
#include "client/shared/array.h"
#include "common/io.h"
#include "common/store-file.h"

static int add_item(struct mdevctl_store *store, const struct mdevctl_store_parent *parent, const char *uuid,
                    bool is_file) {
        struct mdevctl_stored *stored;

        if (!is_file && !store->with_others)
                return 0;
        stored = array_add(&store->items, &store->n, sizeof(*stored));
        if (!stored)
                return -ENOMEM;
        stored->parent = parent;
        stored->is_file = is_file;
        memcpy(stored->uuid, uuid, UUID_TEXT_SIZE);
        return 0;
}

static bool is_file(int parent_fd, const struct dirent *entry) {
        struct stat st;

        if (entry->d_type != DT_UNKNOWN)
                return entry->d_type == DT_REG;
        return fstatat(parent_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISREG(st.st_mode);
}

static int scan_all(struct mdevctl_store *store, const struct mdevctl_store_parent *parent) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int r;

        r = open_directory_at(parent->fd, ".", &dir);
        if (r < 0)
                return r;

        while ((entry = readdir(dir)))
                if (uuid_is_normal(entry->d_name)) {
                        r = add_item(store, parent, entry->d_name, is_file(dirfd(dir), entry));
                        if (r < 0)
                                return r;
                }
        return 0;
}

static bool is_hidden(const struct mdevctl_stored *stored) {
        _cleanup_definition_ struct definition *definition = NULL;
        _cleanup_free_ char *error = NULL;

        return stored->is_file && mdevctl_stored_read(stored, &definition, &error) >= 0 &&
               mdevctl_is_other_definition(definition);
}

static int scan_one(struct mdevctl_store *store, const struct mdevctl_store_parent *parent, const char *uuid) {
        size_t n = store->n;
        struct stat st;
        int r;

        if (fstatat(parent->fd, uuid, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        r = add_item(store, parent, uuid, S_ISREG(st.st_mode));
        if (r >= 0 && store->n > n && is_hidden(store->items + n)) {
                store->has_hidden = true;
                store->n = n;
        }
        return r;
}

/* A parent whose directory cannot be opened has no definitions. */
static int scan_parent(struct mdevctl_store *store, int store_fd, const char *name, const char *uuid) {
        struct mdevctl_store_parent **place, *parent;
        _cleanup_close_ int fd = -1;

        if (mdevctl_is_other_parent(name)) {
                store->has_hidden = true;
                return 0;
        }
        fd = store_open_parent(store_fd, name);
        if (fd < 0)
                return 0;
        parent = calloc(1, sizeof(*parent) + strlen(name) + 1);
        place = parent ? array_add(&store->parents, &store->n_parents, sizeof(*place)) : NULL;
        if (!place) {
                free(parent);
                return -ENOMEM;
        }

        *place = parent;
        parent->fd = TAKE_FD(fd);
        strcpy(parent->name, name);
        return uuid ? scan_one(store, parent, uuid) : scan_all(store, parent);
}

static int scan_parents(struct mdevctl_store *store, int store_fd, const char *uuid) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int r;

        r = open_directory_at(store_fd, ".", &dir);
        if (r < 0)
                return r;

        while ((entry = readdir(dir))) {
                if (entry->d_name[0] == '.' || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
                        continue;
                r = scan_parent(store, store_fd, entry->d_name, uuid);
                if (r < 0)
                        return r;
        }
        return 0;
}

int mdevctl_store_compare(const char *parent_a, const char *uuid_a, const char *parent_b, const char *uuid_b) {
        int c = parent_a == parent_b ? 0 : strcmp(parent_a, parent_b);

        return c != 0 ? c : strcmp(uuid_a, uuid_b);
}

static int compare_stored(const void *a, const void *b) {
        const struct mdevctl_stored *x = a, *y = b;

        return mdevctl_store_compare(x->parent->name, x->uuid, y->parent->name, y->uuid);
}

int mdevctl_store_scan(struct mdevctl_store *store, const char *parent, const char *uuid) {
        _cleanup_close_ int store_fd = -1;
        int r;

        assert(store->n == 0 && store->n_parents == 0);
        store_fd = store_open();
        if (store_fd < 0)
                return store_fd == -ENOENT ? 0 : store_fd;

        r = parent ? scan_parent(store, store_fd, parent, uuid) : scan_parents(store, store_fd, uuid);
        if (r < 0) {
                store->n = 0;
                return r;
        }
        if (store->n > 0)
                qsort(store->items, store->n, sizeof(*store->items), compare_stored);
        return 0;
}

void mdevctl_store_clear(struct mdevctl_store *store) {
        for (size_t i = 0; i < store->n_parents; i++) {
                close(store->parents[i]->fd);
                free(store->parents[i]);
        }
        free(store->parents);
        free(store->items);
        *store = (struct mdevctl_store) {};
}

int mdevctl_stored_read_plain(const struct mdevctl_stored *stored, struct definition **ret) {
        char buffer[DEFINITION_SIZE_MAX + 1];
        _cleanup_close_ int fd = -1;
        struct definition_error error;
        struct stat st;
        ssize_t n;

        fd = openat(stored->parent->fd, stored->uuid, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        /* A file that is being replaced at this moment has no name any more. */
        if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_size > DEFINITION_SIZE_MAX)
                return -EBADMSG;

        n = read(fd, buffer, sizeof(buffer));
        if (n < 0)
                return -errno;
        return definition_parse(buffer, (size_t) n, ret, &error);
}

int mdevctl_stored_read(const struct mdevctl_stored *stored, struct definition **ret, char **ret_error) {
        struct definition_error error = {};
        struct stat st;
        int r, n;

        r = store_read(stored->parent->fd, stored->uuid, ret, &st, &error);
        if (r >= 0)
                return r;

        if (r != -EBADMSG && r != -EFBIG)
                snprintf(error.message, sizeof(error.message), "%s", strerror(-r));
        if (error.line > 0)
                n = asprintf(ret_error, "/" STORE_DIRECTORY "/%s/%s, line %u: %s", stored->parent->name,
                             stored->uuid, error.line, error.message);
        else
                n = asprintf(ret_error, "/" STORE_DIRECTORY "/%s/%s: %s", stored->parent->name, stored->uuid,
                             error.message);
        if (n < 0)
                *ret_error = NULL;
        return r;
}
