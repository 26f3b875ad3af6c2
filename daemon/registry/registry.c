/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which names are looked at, and when. */

#include "daemon/registry/registry.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <uthash.h>
#include <utlist.h>

#include "common/io.h"
#include "daemon/base/log.h"
#include "daemon/base/worklist.h"
#include "daemon/registry/backend.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"

/* How long a device is not looked at after a uevent. A device that comes or goes has half a dozen uevents within some
 * ms. One look is enough for them, and is not in the way of the job that has caused them. A parent, which comes or goes
 * rarely, is looked at without delay. */
#define LOOK_USEC (10 * USEC_PER_MSEC)

/* The bounds of how long it takes until a device in transition is looked at again. */
#define TRANSITION_POLL_MIN_USEC (5 * USEC_PER_MSEC)
#define TRANSITION_POLL_MAX_USEC USEC_PER_SEC

/* How long it takes until everything is looked at again where file descriptors or memory were short. */
#define AGAIN_USEC USEC_PER_SEC

/* On the list, the name of a parent comes after a 'p', and the name of a device after a 'd'. @path: where a device was
 * found, or NULL. */
static void touch(struct registry *registry, const char *name, bool is_parent, const char *path) {
        char item[SYSFS_NAME_SIZE + 1];

        snprintf(item, sizeof(item), "%c%s", is_parent ? 'p' : 'd', name);
        if (worklist_add(registry->touched, item, path, is_parent ? 0 : LOOK_USEC) < 0)
                registry_look_again(registry);
}

void registry_touch_device(struct registry *registry, const char *uuid, const char *path) {
        touch(registry, uuid, false, path);
}

void registry_touch_parent(struct registry *registry, const char *name) {
        touch(registry, name, true, NULL);
}

static bool look_at(const char *item, const char *path, void *userdata) {
        if (item[0] == 'p')
                (void) parent_refresh(userdata, item + 1);
        else
                (void) device_refresh_at(userdata, item + 1, path);
        return false;
}

static void on_looked(void *userdata) {
        const struct registry *registry = userdata;

        if (registry->observer->looked)
                registry->observer->looked(registry->userdata);
}

void registry_settle(struct registry *registry) {
        worklist_settle(registry->touched);
        registry->settled = true;
}

void registry_look_again(struct registry *registry) {
        if (!timer_is_armed(registry->again_timer))
                timer_arm(registry->again_timer, AGAIN_USEC);
}

int registry_enumerate(struct registry *registry) {
        struct device *device, *next_device;
        struct parent *parent, *next_parent;
        int r = 0;

        for (size_t i = 0; registry->backends[i] && r >= 0; i++)
                r = registry->backends[i]->enumerate(registry);
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
        log_info("File descriptors or memory were short, reading all devices again");
        (void) registry_enumerate(userdata);
        return 0;
}

static uint64_t transition_poll_usec(const struct device *device) {
        uint64_t usec = (now_usec() - device->transition_since) / 10;

        assert(device->prev);

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
        if (!registry->transitions)
                return;

        /* The last one has come last, and so is looked at first. */
        timer_arm(registry->transition_timer, transition_poll_usec(registry->transitions->prev));
}

int registry_new(struct registry **ret, const struct backend *const *backends, sd_event *event, struct exports *exports,
                 struct pool *pool, const struct registry_observer *observer, void *userdata) {
        _cleanup_(registry_freep) struct registry *registry = NULL;
        int r;

        assert(event && exports && pool && observer);

        registry = calloc(1, sizeof(*registry));
        if (!registry)
                return -ENOMEM;
        *registry = (struct registry) {
                .backends = backends,
                .event = event,
                .exports = exports,
                .pool = pool,
                .observer = observer,
                .userdata = userdata,
        };

        r = worklist_new(&registry->touched, event, "registry", look_at, on_looked, registry);
        if (r < 0)
                return r;
        r = timer_new(&registry->transition_timer, event, "transitions", PRIORITY_REQUESTS, TIMER_EXACT_USEC,
                      on_transition, registry);
        if (r < 0)
                return r;
        r = timer_new(&registry->again_timer, event, "registry-again", PRIORITY_REQUESTS, TIMER_EXACT_USEC, on_again,
                      registry);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(registry);
        return 0;
}

struct registry *registry_free(struct registry *registry) {
        struct parent *parent, *next_parent;
        struct device *device, *next_device;

        if (!registry)
                return NULL;

        HASH_ITER(hh, registry->devices, device, next_device)
                device_forget(device);
        HASH_ITER(hh, registry->parents, parent, next_parent)
                parent_forget(parent);
        DL_FOREACH_SAFE(registry->gone_parents, parent, next_parent)
                parent_forget(parent);
        worklist_free(registry->touched);
        sd_event_source_disable_unref(registry->transition_timer);
        sd_event_source_disable_unref(registry->again_timer);
        assert(!registry->parents && !registry->gone_parents && !registry->devices && !registry->transitions);
        free(registry);
        return NULL;
}
