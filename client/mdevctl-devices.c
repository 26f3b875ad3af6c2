/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The active devices. */

#include "client/mdevctl-devices.h"

#include <errno.h>

#include "client/mdevctl-tell.h"
#include "common/sysfs.h"

static int add(struct mdevctl_devices *devices, const char *uuid, const char *parent, const char *type) {
        if (devices->n == devices->allocated) {
                size_t allocated = devices->allocated > 0 ? 2 * devices->allocated : 64;
                struct mdevctl_device *items = reallocarray(devices->items, allocated, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                devices->items = items;
                devices->allocated = allocated;
        }

        devices->items[devices->n] = (struct mdevctl_device) { .parent = parent, .type = type };
        snprintf(devices->items[devices->n].uuid, UUID_TEXT_SIZE, "%s", uuid);
        devices->n++;
        return 0;
}

static int find_single(struct mdevctl_devices *devices, const char *parent, const char *uuid) {
        devices->single = calloc(1, sizeof(*devices->single));
        if (!devices->single)
                return -ENOMEM;
        if (sysfs_look_at_device(uuid, NULL, devices->single) < 0 || !*devices->single->type)
                return 0;
        if (parent && !streq(devices->single->parent, parent))
                return 0;
        return add(devices, uuid, devices->single->parent, devices->single->type);
}

/* A device that is being created or removed is none for mdevctl: it looks for the type. */
static bool is_complete(const char *state, const char *type) {
        return *type && (streq(state, "active") || streq(state, "wedged"));
}

static int read_list(struct mdevctl_devices *devices, const char *parent_wanted) {
        const char *uuid, *parent, *type, *state;
        int r;

        r = sd_bus_message_enter_container(devices->reply, 'a', "(ssssbo)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(devices->reply, "(ssssbo)", &uuid, &parent, &type, &state, NULL, NULL)) >
               0) {
                if (!is_complete(state, type) || (parent_wanted && !streq(parent, parent_wanted)))
                        continue;
                r = add(devices, uuid, parent, type);
                if (r < 0)
                        return r;
        }
        return r;
}

static int find_all(struct mdevctl_devices *devices, const char *parent) {
        _cleanup_failure_ struct failure failure = {};
        _cleanup_bus_ sd_bus *bus = NULL;
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = mdevctl_bus_open(&bus);
        if (r != EXIT_SUCCESS)
                return r;
        r = mdevctl_bus_new_call(bus, "ListDevices", &call);
        if (r < 0)
                return mdevctl_fail("%s", strerror(-r));
        if (mdevctl_bus_call(bus, call, &failure, &devices->reply) < 0)
                return mdevctl_fail("%s", failure.message);

        r = read_list(devices, parent);
        return r < 0 ? mdevctl_fail("%s", strerror(-r)) : EXIT_SUCCESS;
}

static int compare(const void *a, const void *b) {
        const struct mdevctl_device *x = a, *y = b;
        int c = strcmp(x->parent, y->parent);

        return c != 0 ? c : strcmp(x->uuid, y->uuid);
}

int mdevctl_devices_find(struct mdevctl_devices *devices, const char *parent, const char *uuid) {
        int r;

        if (uuid) {
                r = find_single(devices, parent, uuid);
                return r < 0 ? mdevctl_fail("%s", strerror(-r)) : EXIT_SUCCESS;
        }

        r = find_all(devices, parent);
        if (r == EXIT_SUCCESS && devices->n > 0)
                qsort(devices->items, devices->n, sizeof(*devices->items), compare);
        return r;
}

const struct mdevctl_device *mdevctl_devices_get(const struct mdevctl_devices *devices, const char *parent,
                                                 const char *uuid) {
        struct mdevctl_device key = { .parent = parent };

        if (devices->n == 0)
                return NULL;
        snprintf(key.uuid, sizeof(key.uuid), "%s", uuid);
        return bsearch(&key, devices->items, devices->n, sizeof(key), compare);
}

void mdevctl_devices_clear(struct mdevctl_devices *devices) {
        free(devices->items);
        free(devices->single);
        sd_bus_message_unref(devices->reply);
        *devices = (struct mdevctl_devices) {};
}
