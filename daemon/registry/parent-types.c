/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading the types of a parent. A worker does it, for the driver may hang. */

#include "daemon/registry/parent-types.h"

#include <assert.h>
#include <errno.h>

#include "common/io.h"
#include "daemon/base/timer.h"
#include "daemon/registry/backend.h"
#include "daemon/registry/registry.h"
#include "daemon/workers/pool.h"

/* How long after a create or a removal the instances are read. These come in bursts, and one read is enough. */
#define CAPACITY_USEC (100 * USEC_PER_MSEC)

/* How often the types are read while somebody waits for one, or for an instance. A vendor's service may need a minute
 * to set them up, and no uevent tells when it has done so. */
#define RETRY_MIN_USEC USEC_PER_SEC
#define RETRY_MAX_USEC (30 * USEC_PER_SEC)

bool parent_has_type(const struct parent *parent, const char *type) {
        return parent->backend->has_type(parent, type);
}

bool parent_may_have_type(const struct parent *parent, const char *type) {
        return parent_has_type(parent, type) || (parent->backend->complete_types && parent->types.n == 0);
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

void parent_read_types_now(struct parent *parent) {
        parent->retry_usec = RETRY_MIN_USEC;
        parent_read_types(parent);
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
        /* Since the change began, the driver may have registered the parent again. What the worker says may be of the
         * old one. */
        if (!parent->changing)
                return parent_read_types(parent);
        parent->changing = false;
        parent->backend->set_changing(parent, false, false);
        if (report && report->holds)
                parent->backend->take_holds(parent, report->holds);
        else
                parent_read_types(parent);
}

int parent_types_init(struct parent *parent) {
        sd_event *event = parent->registry->event;
        int r;

        parent->read_work = (struct work) {
                .task = { .kind = TASK_READ_TYPES, .parent = strdup(parent->name) },
                .userdata = parent,
                .on_report = on_types,
                .background = true,
        };
        if (!parent->read_work.task.parent)
                return -ENOMEM;
        r = timer_new(&parent->capacity_timer, event, "parent-capacity", PRIORITY_REQUESTS, TIMER_EXACT_USEC,
                      on_capacity, parent);
        return r < 0 ? r : timer_new(&parent->retry_timer, event, "parent-retry", PRIORITY_REQUESTS, TIMER_EXACT_USEC,
                                     on_retry, parent);
}

bool parent_types_stop(struct parent *parent) {
        parent->capacity_timer = sd_event_source_disable_unref(parent->capacity_timer);
        parent->retry_timer = sd_event_source_disable_unref(parent->retry_timer);
        return !parent->reading || pool_withdraw(parent->registry->pool, &parent->read_work);
}

void parent_types_clear(struct parent *parent) {
        sd_event_source_disable_unref(parent->capacity_timer);
        sd_event_source_disable_unref(parent->retry_timer);
        mdev_types_clear(&parent->types);
        task_clear(&parent->read_work.task);
}
