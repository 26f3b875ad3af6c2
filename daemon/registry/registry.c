/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of names to look at, and enumeration. */

#include "daemon/registry/registry.h"

#include <errno.h>
#include <limits.h>
#include <uthash.h>
#include <utlist.h>

#include "common/io.h"
#include "common/root.h"
#include "common/sysfs.h"
#include "daemon/base/log.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"

/* A device that comes or goes sends half a dozen uevents within some ms. One look after so long answers them all, and
 * is not in the way of the job that is the cause of them. Parents come and go rarely. */
#define LOOK_USEC (10 * USEC_PER_MSEC)

/* Looks a turn of the event loop: a look costs some 10 µs. */
#define LOOKS_PER_TURN 64

/* A device in transition is looked at after a tenth of the time it has been so, within these bounds. */
#define TRANSITION_POLL_MIN_USEC (5 * USEC_PER_MSEC)
#define TRANSITION_POLL_MAX_USEC USEC_PER_SEC

/* Where fds or memory were short nothing was seen; everything is looked at again after so long. */
#define AGAIN_USEC USEC_PER_SEC

struct touched {
        bool is_parent;
        char key[SYSFS_NAME_SIZE + 1];          /* the name, after a 'p' or a 'd' */
        char *path;                             /* of a device that was found there, else NULL */
        UT_hash_handle hh;
};

static void want_look(struct registry *registry, uint64_t usec) {
        if (sd_event_source_set_time_relative(registry->look_source, usec) >= 0)
                (void) sd_event_source_set_enabled(registry->look_source, SD_EVENT_ONESHOT);
}

static void touched_free(struct touched *touched) {
        if (touched)
                free(touched->path);
        free(touched);
}

/* Returns NULL without memory. */
static struct touched *touched_new(const char *key, bool is_parent, const char *path) {
        struct touched *touched = calloc(1, sizeof(*touched));

        if (!touched)
                return NULL;
        touched->is_parent = is_parent;
        strcpy(touched->key, key);
        touched->path = path ? strdup(path) : NULL;
        if (!path || touched->path)
                return touched;
        touched_free(touched);
        return NULL;
}

static void touch(struct registry *registry, const char *name, bool is_parent, const char *path) {
        char key[SYSFS_NAME_SIZE + 1];
        struct touched *touched;

        snprintf(key, sizeof(key), "%c%s", is_parent ? 'p' : 'd', name);
        HASH_FIND_STR(registry->touched, key, touched);
        if (touched)
                return;

        touched = touched_new(key, is_parent, path);
        if (touched)
                HASH_ADD_STR(registry->touched, key, touched);
        if (!touched || !touched->hh.tbl) {
                touched_free(touched);
                return registry_look_again(registry);
        }
        if (is_parent || HASH_COUNT(registry->touched) == 1)
                want_look(registry, is_parent ? 0 : LOOK_USEC);
}

void registry_touch_device(struct registry *registry, const char *uuid) {
        touch(registry, uuid, false, NULL);
}

void registry_touch_parent(struct registry *registry, const char *name) {
        touch(registry, name, true, NULL);
}

static void look_at_first(struct registry *registry) {
        struct touched *touched = registry->touched;

        /* Off the list before the look: a hint that comes during it is about what follows. */
        HASH_DEL(registry->touched, touched);
        if (touched->is_parent)
                (void) parent_refresh(registry, touched->key + 1);
        else
                (void) device_refresh_at(registry, touched->key + 1, touched->path);
        touched_free(touched);
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata) {
        struct registry *registry = userdata;

        for (unsigned int i = 0; i < LOOKS_PER_TURN && registry->touched; i++)
                look_at_first(registry);

        if (registry->touched)
                want_look(registry, 0);
        else if (registry->observer->looked)
                registry->observer->looked(registry->userdata);
        return 0;
}

void registry_settle(struct registry *registry) {
        while (registry->touched)
                look_at_first(registry);
        registry->settled = true;
}

static void touch_found(const char *uuid, const char *path, void *userdata) {
        touch(userdata, uuid, false, path);
}

void registry_look_again(struct registry *registry) {
        int enabled;

        if (sd_event_source_get_enabled(registry->again_source, &enabled) < 0 || enabled != SD_EVENT_OFF)
                return;
        if (sd_event_source_set_time_relative(registry->again_source, AGAIN_USEC) >= 0)
                (void) sd_event_source_set_enabled(registry->again_source, SD_EVENT_ONESHOT);
}

static int touch_directory(struct registry *registry, const char *path, bool is_parent) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int r;

        r = open_directory_at(root_fd(), path, &dir);
        if (r < 0)
                /* Without the mdev module there is no such bus: no devices, and no error. */
                return r == -ENOENT ? 0 : r;

        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.' && (is_parent || uuid_is_normal(entry->d_name))) {
                        touch(registry, entry->d_name, is_parent, NULL);
                        /* A device in use that is being removed has lost its link already. */
                        if (is_parent && is_shortage(sysfs_list_devices(entry->d_name, touch_found, registry)))
                                registry_look_again(registry);
                }

        return 0;
}

int registry_enumerate(struct registry *registry) {
        struct device *device, *next_device;
        struct parent *parent, *next_parent;
        int r;

        r = touch_directory(registry, SYSFS_DEVICES, false);
        if (r >= 0)
                r = touch_directory(registry, SYSFS_PARENTS, true);
        if (is_shortage(r))
                registry_look_again(registry);
        if (r < 0)
                return log_error_errno(r, "Failed to enumerate parents and devices: %m");

        HASH_ITER(hh, registry->parents, parent, next_parent)
                touch(registry, parent->name, true, NULL);
        HASH_ITER(hh, registry->devices, device, next_device)
                touch(registry, device->uuid, false, NULL);
        return 0;
}

static int on_again(sd_event_source *source, uint64_t usec, void *userdata) {
        log_info("File descriptors or memory were short, looking at everything again");
        (void) registry_enumerate(userdata);
        return 0;
}

static uint64_t transition_poll_usec(const struct device *device) {
        uint64_t usec = (now_usec() - device->transition_since) / 10;

        if (usec < TRANSITION_POLL_MIN_USEC)
                return TRANSITION_POLL_MIN_USEC;
        return usec < TRANSITION_POLL_MAX_USEC ? usec : TRANSITION_POLL_MAX_USEC;
}

static int on_transition(sd_event_source *source, uint64_t usec, void *userdata) {
        struct registry *registry = userdata;
        struct device *device;

        DL_FOREACH(registry->transitions, device)
                touch(registry, device->uuid, false, NULL);
        registry_watch_transitions(registry);
        return 0;
}

void registry_watch_transitions(struct registry *registry) {
        uint64_t usec = USEC_INFINITY, t;
        struct device *device;

        DL_FOREACH(registry->transitions, device) {
                t = transition_poll_usec(device);
                usec = t < usec ? t : usec;
        }
        if (usec == USEC_INFINITY)
                return;

        if (sd_event_source_set_time_relative(registry->transition_source, usec) >= 0)
                (void) sd_event_source_set_enabled(registry->transition_source, SD_EVENT_ONESHOT);
}

int registry_new(struct registry **ret, sd_event *event, struct exports *exports, struct pool *pool,
                 const struct registry_observer *observer, void *userdata) {
        _cleanup_(registry_freep) struct registry *registry = NULL;
        int r;

        registry = calloc(1, sizeof(*registry));
        if (!registry)
                return -ENOMEM;
        *registry = (struct registry) {
                .event = event,
                .exports = exports,
                .pool = pool,
                .observer = observer,
                .userdata = userdata,
        };

        r = sd_event_add_time_relative(event, &registry->look_source, CLOCK_MONOTONIC, 0, 1, on_look,
                                       registry);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(registry->look_source, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(registry->look_source, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;

        /* An accuracy of 0 would mean libsystemd's default, 250 ms: too coarse for each timer here but the pool's. */
        r = sd_event_add_time_relative(event, &registry->transition_source, CLOCK_MONOTONIC, 0, 1, on_transition,
                                       registry);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(registry->transition_source, SD_EVENT_OFF);
        if (r < 0)
                return r;

        r = sd_event_add_time_relative(event, &registry->again_source, CLOCK_MONOTONIC, 0, 1, on_again, registry);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(registry->again_source, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(registry);
        return 0;
}

struct registry *registry_free(struct registry *registry) {
        struct parent *parent, *next_parent;
        struct device *device, *next_device;
        struct touched *touched, *next;

        if (!registry)
                return NULL;

        HASH_ITER(hh, registry->devices, device, next_device)
                device_forget(device);
        HASH_ITER(hh, registry->parents, parent, next_parent)
                parent_forget(parent);
        DL_FOREACH_SAFE(registry->gone_parents, parent, next_parent)
                parent_forget(parent);
        HASH_ITER(hh, registry->touched, touched, next) {
                HASH_DEL(registry->touched, touched);
                touched_free(touched);
        }
        sd_event_source_disable_unref(registry->look_source);
        sd_event_source_disable_unref(registry->transition_source);
        sd_event_source_disable_unref(registry->again_source);
        free(registry);
        return NULL;
}
