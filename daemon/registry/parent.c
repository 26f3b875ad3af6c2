/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of parents, and reading their types. */

#include "daemon/registry/parent.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "common/bus-names.h"
#include "common/io.h"
#include "common/root.h"
#include "daemon/base/log.h"
#include "daemon/base/timer.h"
#include "daemon/registry/backend.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/set-aside.h"
#include "daemon/workers/pool.h"

/* How long after a create or a removal the instances are read. These come in bursts, and one read is enough. */
#define CAPACITY_USEC (100 * USEC_PER_MSEC)

/* How often the types are read while somebody waits for one, or for an instance. A vendor's service may need a minute
 * to set them up, and no uevent tells when it has done so. */
#define RETRY_MIN_USEC USEC_PER_SEC
#define RETRY_MAX_USEC (30 * USEC_PER_SEC)

struct parent *parent_find(struct registry *registry, const char *name) {
        struct parent *parent;

        HASH_FIND_STR(registry->parents, name, parent);
        return parent;
}

bool parent_has_type(const struct parent *parent, const char *type) {
        return parent->backend->has_type(parent, type);
}

bool parent_may_have_type(const struct parent *parent, const char *type) {
        return parent_has_type(parent, type) || (parent->backend->complete_types && parent->types.n == 0);
}

static struct parent *parent_free(struct parent *parent) {
        if (!parent)
                return NULL;

        assert(!parent->prev && !parent->hh.tbl);
        export_remove(parent->registry->exports, &parent->export);
        if (parent->backend->forget_parent)
                parent->backend->forget_parent(parent);
        sd_event_source_disable_unref(parent->capacity_timer);
        sd_event_source_disable_unref(parent->retry_timer);
        mdev_types_clear(&parent->types);
        task_clear(&parent->read_work.task);
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
        if (!parent->reading || pool_withdraw(registry->pool, &parent->read_work)) {
                parent_free(parent);
                return;
        }

        /* A worker may be stuck in the driver for ever, and the work that it has must stay valid. */
        DL_APPEND(registry->gone_parents, parent);
        export_remove(registry->exports, &parent->export);
        parent->capacity_timer = sd_event_source_disable_unref(parent->capacity_timer);
        parent->retry_timer = sd_event_source_disable_unref(parent->retry_timer);
}

/* Returns whether they are the same as before. */
static bool take_types(struct parent *parent, json_object *object) {
        struct mdev_types types;

        if (mdev_types_parse(object, &types) < 0) {
                registry_look_again(parent->registry);
                return false;
        }
        if (parent->backend->complete_types && parent->backend->complete_types(parent, &types) < 0)
                registry_look_again(parent->registry);
        if (mdev_types_equal(&types, &parent->types)) {
                mdev_types_clear(&types);
                return true;
        }

        mdev_types_clear(&parent->types);
        parent->types = types;
        export_change(parent->registry->exports, &parent->export, "Types");
        return false;
}

/* What nobody tells, such as a new size of instances, changes all parents of a card at once. */
static void speak_for_card(const struct parent *speaker, bool same) {
        struct parent *parent, *next;

        HASH_ITER(hh, speaker->registry->parents, parent, next)
                if (parent != speaker && streq(parent->card, speaker->card)) {
                        if (!same)
                                parent_read_types(parent);
                        else if (parent->read_at > 0 && parent->read_at < speaker->read_at)
                                parent->read_at = speaker->read_at;
                }
}

static void on_types(struct work *work, struct report *report) {
        struct parent *parent = work->userdata;
        const struct registry *registry = parent->registry;
        bool speaks = parent->speaks, same = false;

        assert(parent->reading);
        parent->reading = false;
        if (parent->prev)
                return parent_forget(parent);

        parent->speaks = false;
        if (report && report->kind == REPORT_DONE && report->types)
                same = take_types(parent, report->types);
        else
                parent->read_at = 0;
        if (speaks)
                speak_for_card(parent, same);
        /* What a worker has read before or while another one made a device says nothing about it. */
        if (parent->changed && !parent->changing)
                parent->read_again = true;
        else if (!parent->changed && report && report->holds && parent->backend->take_holds)
                parent->backend->take_holds(parent, report->holds);
        if (parent->read_again)
                parent_read_types(parent);
        if (registry->observer->types_read)
                registry->observer->types_read(parent, registry->userdata);
}

void parent_read_types(struct parent *parent) {
        assert(parent->hh.tbl);
        /* There is one read of a parent at a time, so that a driver that hangs costs one worker, and not one for each
         * request. */
        if (parent->reading) {
                parent->read_again = true;
                return;
        }

        parent->reading = true;
        parent->read_again = false;
        parent->read_at = now_usec();
        parent->changed = parent->changing;
        pool_submit(parent->registry->pool, &parent->read_work);
}

static bool is_fresh(const struct parent *parent) {
        return !parent->reading && parent->read_at > 0 && now_usec() - parent->read_at < parent->backend->fresh_usec;
}

void parent_refresh_types(struct parent *parent) {
        if (!is_fresh(parent))
                parent_read_types(parent);
}

static bool has_instance(const struct parent *parent) {
        for (size_t i = 0; i < parent->types.n; i++)
                if (parent->types.items[i].available > 0)
                        return true;
        return false;
}

/* A parent that has a device, and one of a full card, have nothing to say about the others. */
static struct parent *find_speaker(const struct parent *of) {
        struct parent *parent, *next;

        HASH_ITER(hh, of->registry->parents, parent, next)
                if (streq(parent->card, of->card) && parent->read_at > 0 && (!parent->reading || parent->speaks) &&
                    has_instance(parent))
                        return parent;
        return NULL;
}

void parent_refresh_all_types(struct registry *registry) {
        struct parent *parent, *next, *speaker;

        HASH_ITER(hh, registry->parents, parent, next) {
                if (is_fresh(parent))
                        continue;
                speaker = parent->backend->fresh_usec > 0 && parent->read_at > 0 ? find_speaker(parent) : NULL;
                if (!speaker)
                        parent_read_types(parent);
                else if (!speaker->speaks) {
                        parent_read_types(speaker);
                        speaker->speaks = true;
                }
        }
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        parent_read_types(userdata);
        return 0;
}

void parent_read_again_later(struct parent *parent) {
        assert(parent->hh.tbl && parent->retry_usec > 0);
        if (timer_is_armed(parent->retry_timer))
                return;

        timer_arm(parent->retry_timer, parent->retry_usec);
        parent->retry_usec *= 2;
        if (parent->retry_usec > RETRY_MAX_USEC)
                parent->retry_usec = RETRY_MAX_USEC;
}

static int on_capacity(sd_event_source *source, uint64_t usec, void *userdata) {
        struct parent *changed = userdata, *parent, *next;

        HASH_ITER(hh, changed->registry->parents, parent, next)
                if (streq(parent->card, changed->card))
                        parent_read_types(parent);
        return 0;
}

void parent_capacity_changed(struct registry *registry, const char *name) {
        struct parent *changed = parent_find(registry, name), *parent, *next;

        if (!changed)
                return;
        HASH_ITER(hh, registry->parents, parent, next)
                if (streq(parent->card, changed->card))
                        parent->read_at = 0;
        if (!timer_is_armed(changed->capacity_timer))
                timer_arm(changed->capacity_timer, CAPACITY_USEC);
}

void parent_begin_change(struct registry *registry, const char *name, bool removes) {
        struct parent *parent = parent_find(registry, name);

        if (!parent || !parent->backend->set_changing)
                return;
        parent->changing = true;
        parent->changed = true;
        parent->backend->set_changing(parent, true, removes);
}

void parent_end_change(struct registry *registry, const char *name, const struct report *report) {
        struct parent *parent = parent_find(registry, name);

        if (!parent || !parent->backend->set_changing)
                return;
        /* The parent may have been made anew since the change began. What the worker says may be of the old one. */
        if (!parent->changing)
                return parent_read_types(parent);
        parent->changing = false;
        parent->backend->set_changing(parent, false, false);
        if (report && report->holds)
                parent->backend->take_holds(parent, report->holds);
        else
                parent_read_types(parent);
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
        parent->read_work = (struct work) {
                .task = { .kind = TASK_READ_TYPES, .parent = strdup(name) },
                .userdata = parent,
                .on_report = on_types,
                .background = true,
        };
        if (!parent->name || !parent->path || !parent->card || !parent->read_work.task.parent)
                return NULL;

        if (timer_new(&parent->capacity_timer, registry->event, "parent-capacity", PRIORITY_REQUESTS, TIMER_EXACT_USEC,
                      on_capacity, parent) < 0 ||
            timer_new(&parent->retry_timer, registry->event, "parent-retry", PRIORITY_REQUESTS, TIMER_EXACT_USEC,
                      on_retry, parent) < 0 ||
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
        /* What has changed may be what somebody waits for. */
        parent->retry_usec = RETRY_MIN_USEC;
        parent_read_types(parent);
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
