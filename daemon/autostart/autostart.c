/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The states of the entries, and what moves them on. */

#include "daemon/autostart/autostart.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "common/message-ids.h"
#include "daemon/autostart/tried.h"
#include "daemon/base/log.h"
#include "daemon/base/timer.h"
#include "daemon/definitions/store.h"
#include "daemon/registry/device.h"
#include "daemon/registry/registry.h"

/* What autostart knows of a definition that is `auto`, or was so before its file became invalid. */
struct autostart_entry {
        struct autostart_group *group;
        struct stored_definition *definition;
        enum start_state state;
        bool suspended;                         /* whether the file is invalid */
        bool registered_again;                  /* whether the parent has come again since the start began */
        struct autostart_entry *prev, *next;    /* in the group's list of pending ones */
        UT_hash_handle hh;                      /* in the group, by UUID */
};

/* The entries of one parent, which need not be registered. */
struct autostart_group {
        struct autostart *autostart;
        char *parent;                           /* its name */
        struct autostart_entry *entries;        /* by UUID */
        struct autostart_entry *pending;        /* those to be started, in this order */
        unsigned int n_starting;                /* how many starts are under way, also for entries that are gone */
        char *full_type;                        /* the type of which the driver has refused a device last, or NULL */
        UT_hash_handle hh;
};

struct autostart {
        struct registry *registry;
        const struct autostart_hooks *hooks;
        void *userdata;                         /* the argument of the hooks */
        unsigned int parallel;                  /* how many starts of one parent may be under way */
        bool stopped;                           /* whether nothing is started any more */
        struct autostart_group *groups;         /* by parent; each has entries, or starts under way */
        sd_event_source *pump_source;
};

static const char *const start_states[_START_STATE_MAX] = {
        [START_STATE_NONE] = "none",
        [START_STATE_WAITING_PARENT] = "waiting-parent",
        [START_STATE_WAITING_TYPE] = "waiting-type",
        [START_STATE_WAITING_INSTANCE] = "waiting-instance",
        [START_STATE_STARTING] = "starting",
        [START_STATE_ACTIVE] = "active",
        [START_STATE_FAILED] = "failed",
};

const char *start_state_to_string(enum start_state state) {
        assert(state < _START_STATE_MAX);
        return start_states[state];
}

/* --- groups and entries */

static struct autostart_group *find_group(const struct autostart *autostart, const char *parent) {
        struct autostart_group *group;

        HASH_FIND_STR(autostart->groups, parent, group);
        return group;
}

static struct autostart_entry *find_entry(const struct autostart *autostart, const char *parent, const char *uuid) {
        struct autostart_group *group = find_group(autostart, parent);
        struct autostart_entry *entry = NULL;

        if (group)
                HASH_FIND_STR(group->entries, uuid, entry);
        return entry;
}

static struct autostart_entry *entry_of(const struct autostart *autostart, const struct stored_definition *definition) {
        return find_entry(autostart, definition->directory->parent, definition->uuid);
}

static void group_free(struct autostart_group *group) {
        assert(!group->entries && !group->pending && group->hh.tbl);
        HASH_DEL(group->autostart->groups, group);
        free(group->full_type);
        free(group->parent);
        free(group);
}

/* Without entries, a group still counts the starts that are under way. */
static void group_release(struct autostart_group *group) {
        if (!group->entries && group->n_starting == 0)
                group_free(group);
}

/* Returns NULL without memory. */
static struct autostart_group *get_group(struct autostart *autostart, const char *parent) {
        struct autostart_group *group = find_group(autostart, parent);

        if (group)
                return group;
        group = calloc(1, sizeof(*group));
        if (!group)
                return NULL;
        group->autostart = autostart;
        group->parent = strdup(parent);
        if (group->parent)
                HASH_ADD_KEYPTR(hh, autostart->groups, group->parent, strlen(group->parent), group);
        if (group->hh.tbl)
                return group;
        free(group->parent);
        free(group);
        return NULL;
}

static void unlist(struct autostart_entry *entry) {
        if (entry->prev)
                DL_DELETE(entry->group->pending, entry);
        entry->prev = NULL;
}

static void enlist(struct autostart_entry *entry) {
        assert(!entry->suspended);
        if (!entry->prev)
                DL_APPEND(entry->group->pending, entry);
}

static void entry_free(struct autostart_entry *entry) {
        assert(entry->hh.tbl);
        unlist(entry);
        HASH_DEL(entry->group->entries, entry);
        free(entry);
}

static void entry_drop(struct autostart_entry *entry) {
        struct autostart_group *group = entry->group;

        entry_free(entry);
        group_release(group);
}

/* Returns NULL without memory. */
static struct autostart_entry *entry_new(struct autostart *autostart, struct stored_definition *definition) {
        struct autostart_group *group = get_group(autostart, definition->directory->parent);
        struct autostart_entry *entry = group ? calloc(1, sizeof(*entry)) : NULL;

        if (entry) {
                entry->group = group;
                entry->definition = definition;
                HASH_ADD_KEYPTR(hh, group->entries, definition->uuid, strlen(definition->uuid), entry);
                if (entry->hh.tbl)
                        return entry;
                free(entry);
        }
        if (group)
                group_release(group);
        return NULL;
}

/* Returns NULL if it is not registered. */
static struct parent *parent_of(const struct autostart_group *group) {
        return parent_find(group->autostart->registry, group->parent);
}

static const char *uuid_of(const struct autostart_entry *entry) {
        return entry->definition->uuid;
}

static struct log_fields fields_of(const struct autostart_entry *entry) {
        return (struct log_fields) { .uuid = uuid_of(entry), .parent = entry->group->parent };
}

/* --- states */

static void change_state(struct autostart_entry *entry, enum start_state state) {
        assert(state < _START_STATE_MAX);
        if (entry->state == state)
                return;
        entry->state = state;
        export_change(entry->definition->directory->store->exports, &entry->definition->export, "StartState");
}

static void set_state(struct autostart_entry *entry, enum start_state state) {
        assert(state != START_STATE_FAILED);
        stored_definition_set_error(entry->definition, NULL);
        change_state(entry, state);
}

static void fail(struct autostart_entry *entry, const struct autostart_end *end) {
        struct log_fields fields = fields_of(entry);

        fields.job = end->job;
        fields.message_id = MESSAGE_AUTOSTART_FAILED;
        stored_definition_set_error(entry->definition, end->failure);
        change_state(entry, START_STATE_FAILED);
        log_full(LOG_ERR, 0, fields, "Autostart of device %s on parent '%s' failed: %s", uuid_of(entry),
                 entry->group->parent, failure_text(end->failure));
}

/* The types are read again after a while, because some drivers have no uevent for what is missing. */
static void wait_for(struct autostart_entry *entry, enum start_state state) {
        struct parent *parent = parent_of(entry->group);

        if (entry->state != state)
                log_full(LOG_INFO, 0, fields_of(entry), "Autostart of device %s is waiting for %s on parent '%s'",
                         uuid_of(entry), state == START_STATE_WAITING_TYPE ? "its type" : "an available instance",
                         entry->group->parent);
        (void) tried_remove(entry->group->parent, uuid_of(entry));
        set_state(entry, state);
        if (parent)
                parent_read_again_later(parent);
}

/* It counts as tried, also for a daemon that is started later. */
static void set_tried(struct autostart_entry *entry, enum start_state state) {
        (void) tried_add(entry->group->parent, uuid_of(entry));
        set_state(entry, state);
}

enum start_state autostart_state(const struct autostart *autostart, const struct stored_definition *definition) {
        const struct autostart_entry *entry;

        if (!definition->valid || definition->start != START_AUTO)
                return START_STATE_NONE;
        if (stored_definition_is_active(definition))
                return START_STATE_ACTIVE;
        entry = entry_of(autostart, definition);
        /* Somebody has stopped it since it was started, and meant it. */
        return !entry || entry->state == START_STATE_ACTIVE ? START_STATE_NONE : entry->state;
}

/* --- starting */

/* The driver has refused a device of that type, and no instance has become free since. There may be a thousand more
 * definitions of the type, and the driver is not asked for each of them. */
static bool is_full(const struct autostart_entry *entry, const struct parent *parent) {
        const struct mdev_type *type = mdev_types_find(&parent->types, entry->definition->type);
        const char *full = entry->group->full_type;

        return full && type && streq(full, type->id) && type->available == 0;
}

/* This looks at the kernel. The device may have gone together with its parent, and a request may have found the next
 * parent of that name before the uevents were read. */
static bool is_still_active(const struct autostart_entry *entry) {
        if (stored_definition_is_active(entry->definition))
                (void) device_refresh(entry->group->autostart->registry, uuid_of(entry));
        return stored_definition_is_active(entry->definition);
}

/* Returns 0; or a negative errno when there was no memory to try it. */
static int start(struct autostart_entry *entry) {
        struct autostart *autostart = entry->group->autostart;
        struct parent *parent = parent_of(entry->group);
        int r;

        assert(!entry->prev && !entry->suspended && entry->state != START_STATE_STARTING);

        if (!parent)
                set_state(entry, START_STATE_WAITING_PARENT);
        else if (is_still_active(entry))
                set_tried(entry, START_STATE_ACTIVE);
        else if (!parent_has_type(parent, entry->definition->type))
                wait_for(entry, START_STATE_WAITING_TYPE);
        else if (is_full(entry, parent))
                wait_for(entry, START_STATE_WAITING_INSTANCE);
        else {
                r = autostart->hooks->start(autostart, entry->group->parent, uuid_of(entry), autostart->userdata);
                if (r < 0)
                        return r;
                entry->group->n_starting++;
                set_state(entry, START_STATE_STARTING);
        }
        return 0;
}

/* It is tried again when the types are read the next time, which is soon. */
static void start_later(struct autostart_entry *entry) {
        struct parent *parent = parent_of(entry->group);

        log_full(LOG_WARNING, 0, fields_of(entry),
                 "Out of memory: autostart of device %s on parent '%s' is tried again", uuid_of(entry),
                 entry->group->parent);
        enlist(entry);
        if (parent)
                parent_read_again_later(parent);
}

static void start_pending(struct autostart_group *group) {
        const struct autostart *autostart = group->autostart;

        while (group->pending && group->n_starting < autostart->parallel && !autostart->stopped) {
                struct autostart_entry *entry = group->pending;

                unlist(entry);
                if (start(entry) < 0)
                        return start_later(entry);
        }
}

static int on_pump(sd_event_source *source, void *userdata) {
        struct autostart *autostart = userdata;
        struct autostart_group *group, *next;

        HASH_ITER(hh, autostart->groups, group, next)
                start_pending(group);
        return 0;
}

/* Starts take turns with requests and uevents. Reports of workers come before those. So if each report started the next
 * device at once, requests and uevents would have to wait. */
static void pump(struct autostart_group *group) {
        if (group->pending)
                deferred_arm(group->autostart->pump_source);
}

/* --- what has changed */

static void try_once(struct autostart_entry *entry) {
        if (entry->suspended)
                return;
        if (entry->state == START_STATE_STARTING) {
                entry->registered_again = true;
                return;
        }
        if (tried_has(entry->group->parent, uuid_of(entry)))
                return set_state(entry, stored_definition_is_active(entry->definition) ? START_STATE_ACTIVE :
                                                                                         START_STATE_NONE);
        enlist(entry);
}

void autostart_parent_here(struct autostart *autostart, struct parent *parent) {
        struct autostart_group *group = find_group(autostart, parent->name);
        struct autostart_entry *entry, *next;
        int r;

        r = tried_begin(parent);
        if (r < 0)
                log_full(LOG_WARNING, r, (struct log_fields) { .parent = parent->name },
                         "Failed to record the registration of parent '%s', its definitions may be started again: %m",
                         parent->name);
        if (!group)
                return;

        HASH_ITER(hh, group->entries, entry, next)
                try_once(entry);
        pump(group);
}

void autostart_parent_gone(struct autostart *autostart, const char *parent) {
        struct autostart_group *group = find_group(autostart, parent);
        struct autostart_entry *entry, *next;

        if (!group)
                return;
        HASH_ITER(hh, group->entries, entry, next) {
                unlist(entry);
                if (!entry->suspended && entry->state != START_STATE_STARTING)
                        set_state(entry, START_STATE_WAITING_PARENT);
        }
}

/* @taken: how many instances of each type have been given away since the types were read, or NULL without memory. */
static bool take_instance(const struct mdev_types *types, uint32_t *taken, const char *id) {
        const struct mdev_type *type = mdev_types_find(types, id);
        size_t i = type ? (size_t) (type - types->items) : 0;

        if (!type || !taken || taken[i] >= type->available)
                return false;
        taken[i]++;
        return true;
}

void autostart_types_read(struct autostart *autostart, struct parent *parent) {
        struct autostart_group *group = find_group(autostart, parent->name);
        _cleanup_free_ uint32_t *taken = calloc(parent->types.n, sizeof(*taken));
        struct autostart_entry *entry, *next;
        bool waiting = false, requests;

        if (!group)
                return;

        /* People come first. When their device is made, the types are read again, and it is autostart's turn. */
        requests = autostart->hooks->has_requests(parent->name, autostart->userdata);
        HASH_ITER(hh, group->entries, entry, next) {
                if (entry->suspended || entry->prev)
                        continue;
                if ((entry->state == START_STATE_WAITING_TYPE && parent_has_type(parent, entry->definition->type)) ||
                    (entry->state == START_STATE_WAITING_INSTANCE && !requests &&
                     take_instance(&parent->types, taken, entry->definition->type)))
                        enlist(entry);
                else if (entry->state == START_STATE_WAITING_TYPE || entry->state == START_STATE_WAITING_INSTANCE)
                        waiting = true;
        }
        pump(group);
        if (waiting)
                parent_read_again_later(parent);
}

/* Somebody else has started it. Whoever stops it later means it. */
void autostart_device_changed(struct autostart *autostart, const struct device *device) {
        struct autostart_entry *entry = find_entry(autostart, device->parent, device->uuid);

        if (!entry || entry->suspended || !stored_definition_is_active(entry->definition) ||
            (entry->state != START_STATE_WAITING_TYPE && entry->state != START_STATE_WAITING_INSTANCE))
                return;

        unlist(entry);
        set_tried(entry, START_STATE_ACTIVE);
}

static void add(struct autostart *autostart, struct stored_definition *definition) {
        struct autostart_entry *entry = entry_new(autostart, definition);

        if (!entry)
                store_touch(definition->directory->store, definition->directory->parent, definition->uuid,
                            STORE_AGAIN_USEC);
        else if (!parent_of(entry->group))
                set_state(entry, START_STATE_WAITING_PARENT);
        else
                /* It is started when its parent registers the next time, as after `systemctl enable`. */
                (void) tried_add(entry->group->parent, definition->uuid);
}

static void resume(struct autostart_entry *entry) {
        struct parent *parent = parent_of(entry->group);

        assert(entry->suspended && !entry->prev);

        entry->suspended = false;
        switch (entry->state) {
        case START_STATE_STARTING:
        case START_STATE_FAILED:
                return;
        case START_STATE_WAITING_TYPE:
        case START_STATE_WAITING_INSTANCE:
                if (parent)
                        parent_read_again_later(parent);
                return;
        default:
                if (!parent)
                        return set_state(entry, START_STATE_WAITING_PARENT);
                try_once(entry);
                pump(entry->group);
        }
}

void autostart_definition_read(struct autostart *autostart, struct stored_definition *definition) {
        struct autostart_entry *entry = entry_of(autostart, definition);

        assert(!entry || entry->definition == definition);
        if (!entry && definition->valid && definition->start == START_AUTO)
                add(autostart, definition);
        else if (entry && !definition->valid) {
                entry->suspended = true;
                unlist(entry);
        } else if (entry && definition->start != START_AUTO) {
                set_state(entry, START_STATE_NONE);
                entry_drop(entry);
        } else if (entry && entry->suspended)
                resume(entry);
}

void autostart_definition_gone(struct autostart *autostart, const struct stored_definition *definition) {
        struct autostart_entry *entry = entry_of(autostart, definition);

        if (entry)
                entry_drop(entry);
}

/* --- the ends of starts */

static bool exists_as_asked(const struct autostart_entry *entry, const char *type) {
        const struct device *device = device_find(entry->group->autostart->registry, uuid_of(entry));

        return device && streq(device->parent, entry->group->parent) && device->type && type &&
               streq(device->type, type);
}

static void take_result(struct autostart_entry *entry, const struct autostart_end *end) {
        if (end->is_done) {
                log_full(LOG_INFO, 0, fields_of(entry), "Started device %s on parent '%s'", uuid_of(entry),
                         entry->group->parent);
                return set_tried(entry, START_STATE_ACTIVE);
        }

        switch (end->failure->code) {
        case FAILURE_NO_AVAILABLE_INSTANCES:
                free(entry->group->full_type);
                entry->group->full_type = strdup(end->type);
                return wait_for(entry, START_STATE_WAITING_INSTANCE);
        case FAILURE_NO_SUCH_TYPE:
                return wait_for(entry, START_STATE_WAITING_TYPE);
        case FAILURE_SHUTTING_DOWN:
                (void) tried_remove(entry->group->parent, uuid_of(entry));
                return set_state(entry, START_STATE_WAITING_PARENT);
        case FAILURE_JOB_CANCELED:
                return set_tried(entry, START_STATE_NONE);
        case FAILURE_ALREADY_EXISTS:
                if (exists_as_asked(entry, end->type))
                        return set_tried(entry, START_STATE_ACTIVE);
                return fail(entry, end);
        default:
                return fail(entry, end);
        }
}

static void take_end(struct autostart_entry *entry, const struct autostart_end *end) {
        bool again = entry->registered_again;

        assert(entry->state == START_STATE_STARTING);

        entry->registered_again = false;
        /* If its parent has gone, that may be why it failed. It is due again when the parent comes. */
        if (!end->is_done && !parent_of(entry->group))
                return set_state(entry, START_STATE_WAITING_PARENT);
        if (again && !is_still_active(entry)) {
                (void) tried_remove(entry->group->parent, uuid_of(entry));
                set_state(entry, START_STATE_NONE);
                if (!entry->suspended)
                        enlist(entry);
                return;
        }
        take_result(entry, end);
}

void autostart_ended(struct autostart *autostart, const char *parent, const char *uuid,
                     const struct autostart_end *end) {
        struct autostart_group *group = find_group(autostart, parent);
        struct autostart_entry *entry = find_entry(autostart, parent, uuid);

        assert(group && group->n_starting > 0);
        group->n_starting--;
        if (entry && entry->state == START_STATE_STARTING)
                take_end(entry, end);
        pump(group);
        group_release(group);
}

void autostart_interrupted(const char *parent, const char *uuid, void *autostart) {
        struct autostart_entry *entry = find_entry(autostart, parent, uuid);

        (void) tried_remove(parent, uuid);
        if (!entry || !parent_of(entry->group))
                return;
        try_once(entry);
        pump(entry->group);
}

/* --- the whole */

int autostart_adopt(struct autostart *autostart, unsigned int *ret_n) {
        struct autostart_group *group, *next_group;
        struct autostart_entry *entry, *next;
        unsigned int n = 0;
        int r;

        HASH_ITER(hh, autostart->groups, group, next_group) {
                if (!parent_of(group))
                        continue;
                r = tried_begin(parent_of(group));
                if (r < 0)
                        return r;
                HASH_ITER(hh, group->entries, entry, next) {
                        if (entry->suspended)
                                continue;
                        r = tried_add(group->parent, uuid_of(entry));
                        if (r < 0)
                                return r;
                        n++;
                }
        }
        *ret_n = n;
        return 0;
}

void autostart_set_parallel(struct autostart *autostart, unsigned int n) {
        assert(n > 0);
        autostart->parallel = n;
}

void autostart_stop(struct autostart *autostart) {
        autostart->stopped = true;
}

int autostart_new(struct autostart **ret, sd_event *event, struct registry *registry,
                  const struct autostart_hooks *hooks, void *userdata) {
        _cleanup_(autostart_freep) struct autostart *autostart = NULL;
        int r;

        assert(registry && hooks->start && hooks->has_requests);

        autostart = calloc(1, sizeof(*autostart));
        if (!autostart)
                return -ENOMEM;
        *autostart = (struct autostart) {
                .registry = registry,
                .hooks = hooks,
                .userdata = userdata,
                .parallel = AUTOSTART_PARALLEL_DEFAULT,
        };
        r = deferred_new(&autostart->pump_source, event, "autostart", PRIORITY_REQUESTS, on_pump, autostart);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(autostart);
        return 0;
}

struct autostart *autostart_free(struct autostart *autostart) {
        struct autostart_group *group, *next_group;
        struct autostart_entry *entry, *next;

        if (!autostart)
                return NULL;

        HASH_ITER(hh, autostart->groups, group, next_group) {
                HASH_ITER(hh, group->entries, entry, next)
                        entry_free(entry);
                group_free(group);
        }
        sd_event_source_disable_unref(autostart->pump_source);
        free(autostart);
        return NULL;
}
