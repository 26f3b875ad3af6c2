/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of parents. */

#include "daemon/registry/parent.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "common/bus-names.h"
#include "common/io.h"
#include "common/root.h"
#include "daemon/base/log.h"
#include "daemon/registry/backend.h"
#include "daemon/registry/parent-types.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/set-aside.h"

struct parent *parent_find(struct registry *registry, const char *name) {
        struct parent *parent;

        HASH_FIND_STR(registry->parents, name, parent);
        return parent;
}

static struct parent *parent_free(struct parent *parent) {
        if (!parent)
                return NULL;

        assert(!parent->prev && !parent->hh.tbl);
        export_remove(parent->registry->exports, &parent->export);
        if (parent->backend->forget_parent)
                parent->backend->forget_parent(parent);
        parent_types_clear(parent);
        free(parent->name);
        free(parent->path);
        free(parent->card);
        free(parent);
        return NULL;
}
DEFINE_CLEANUP_FUNC(struct parent *, parent_free)

static void unlink_parent(struct parent *parent) {
        struct registry *registry = parent->registry;

        assert(!parent->prev != !parent->hh.tbl);
        if (parent->prev)
                DL_DELETE(registry->gone_parents, parent);
        else
                HASH_DEL(registry->parents, parent);
        parent->prev = NULL;
        parent->hh.tbl = NULL;
}

void parent_forget(struct parent *parent) {
        unlink_parent(parent);
        parent_free(parent);
}

static void parent_gone(struct parent *parent) {
        struct registry *registry = parent->registry;

        unlink_parent(parent);
        if (registry->observer->parent_gone)
                registry->observer->parent_gone(parent, registry->userdata);
        if (parent_types_stop(parent)) {
                parent_free(parent);
                return;
        }

        /* A worker may be stuck in the driver for ever, and the work that it has must stay valid. */
        DL_APPEND(registry->gone_parents, parent);
        export_remove(registry->exports, &parent->export);
}

int parent_set_aside(struct parent *parent, bool set_aside) {
        int r;

        r = set_aside_store(parent->name, parent->types_inode, set_aside);
        if (r < 0 || parent->set_aside == set_aside)
                return r;
        parent->set_aside = set_aside;
        export_change(parent->registry->exports, &parent->export, "SetAside");
        log_full(LOG_INFO, 0, (struct log_fields) { .parent = parent->name },
                 set_aside ? "Parent '%s' was set aside" : "Parent '%s' is not set aside any more", parent->name);
        return 0;
}

/* Virtual functions share the instances of their physical function. */
static void find_card(const struct sysfs_parent *look, const char *name, char ret[static SYSFS_NAME_SIZE]) {
        char link[PATH_MAX];

        if ((size_t) snprintf(link, sizeof(link), "%s/physfn", look->path + 1) >= sizeof(link) ||
            readlink_name_at(root_fd(), link, ret, SYSFS_NAME_SIZE) < 0)
                snprintf(ret, SYSFS_NAME_SIZE, "%s", name);
}

static struct parent *parent_new(struct registry *registry, const char *name, const struct backend *backend,
                                 const struct sysfs_parent *look) {
        _cleanup_(parent_freep) struct parent *parent = NULL;
        char *path, card[SYSFS_NAME_SIZE];

        parent = calloc(1, sizeof(*parent));
        if (!parent)
                return NULL;

        find_card(look, name, card);
        parent->registry = registry;
        parent->backend = backend;
        parent->name = strdup(name);
        parent->path = strdup(look->path);
        parent->card = strdup(card);
        parent->types_dev = look->types_dev;
        parent->types_inode = look->types_inode;
        parent->set_aside = set_aside_load(name, look->types_inode);
        if (!parent->name || !parent->path || !parent->card || parent_types_init(parent) < 0 ||
            sd_bus_path_encode(BUS_PARENT_PATH, name, &path) < 0 ||
            export_add(registry->exports, &parent->export, path, BUS_PARENT, parent) < 0)
                return NULL;
        HASH_ADD_KEYPTR(hh, registry->parents, parent->name, strlen(parent->name), parent);
        return parent->hh.tbl ? TAKE_PTR(parent) : NULL;
}

/* A parent is of the first kind that finds it. */
static int look_at(const struct registry *registry, const char *name, const struct backend **ret_backend,
                   struct sysfs_parent *ret) {
        int r = -ENOENT;

        for (size_t i = 0; registry->backends[i] && r < 0 && !is_shortage(r); i++) {
                *ret_backend = registry->backends[i];
                r = registry->backends[i]->look_at_parent(name, ret);
        }
        return r;
}

static int lists(const struct registry *registry, const char *name) {
        int r = 0;

        for (size_t i = 0; registry->backends[i] && r <= 0 && !is_shortage(r); i++)
                r = registry->backends[i]->lists_parent(name);
        return r;
}

struct parent *parent_refresh(struct registry *registry, const char *name) {
        struct parent *parent = parent_find(registry, name);
        const struct backend *backend = NULL;
        struct sysfs_parent look;
        bool is_new = false;
        int r;

        r = look_at(registry, name, &backend, &look);
        if (is_shortage(r)) {
                registry_look_again(registry);
                return parent;
        }
        if (parent && (r < 0 || parent->backend != backend || parent->types_dev != look.types_dev ||
                       parent->types_inode != look.types_inode)) {
                log_full(LOG_INFO, 0, (struct log_fields) { .parent = name }, "Parent '%s' has disappeared", name);
                parent_gone(parent);
                parent = NULL;
        }
        if (r < 0)
                return NULL;

        if (!parent) {
                parent = parent_new(registry, name, backend, &look);
                if (!parent) {
                        registry_look_again(registry);
                        return NULL;
                }
                log_full(LOG_INFO, 0, (struct log_fields) { .parent = name }, "Parent '%s' has appeared", name);
                is_new = true;
        }

        if (is_new && backend->recall)
                backend->recall(parent);
        parent_read_types_now(parent);
        if (is_new && registry->observer->parent_here)
                registry->observer->parent_here(parent, registry->userdata);
        return parent;
}

struct parent *parent_look_for(struct registry *registry, const char *name) {
        int r = parent_find(registry, name) ? 1 : lists(registry, name);

        if (is_shortage(r))
                registry_look_again(registry);
        return r > 0 ? parent_refresh(registry, name) : NULL;
}
