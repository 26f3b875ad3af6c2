/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Devices and definitions as mdevctl lists them. */

#include "client/mdevctl/entries.h"

#include <assert.h>
#include <errno.h>

#include "client/mdevctl/bus.h"
#include "client/mdevctl/parent.h"
#include "client/mdevctl/read-ahead.h"
#include "client/mdevctl/tell.h"
#include "client/shared/array.h"

static int add(struct mdevctl_entries *entries, const struct mdevctl_entry *entry) {
        struct mdevctl_entry *added;

        assert(entry->uuid && entry->parent);
        added = array_add(&entries->items, &entries->n, sizeof(*added));
        if (!added)
                return -ENOMEM;
        *added = *entry;
        return 0;
}

static int compare(const void *a, const void *b) {
        const struct mdevctl_entry *x = a, *y = b;

        return mdevctl_store_compare(x->parent, x->uuid, y->parent, y->uuid);
}

/* mdevctl lists a device if it can read its type, so not one that is being created or removed. */
static bool is_complete(const char *state, const char *type) {
        return *type && (streq(state, "active") || streq(state, "wedged"));
}

/* The devices are sorted by parent, so that there is one look for each parent. */
static void drop_others(struct mdevctl_entries *devices) {
        bool is_other = false;
        size_t n = 0;

        for (size_t i = 0; i < devices->n; i++) {
                const struct mdevctl_entry *device = devices->items + i;

                if (i == 0 || !streq(device->parent, devices->items[i - 1].parent))
                        is_other = mdevctl_is_other_parent(device->parent);
                if (!is_other)
                        devices->items[n++] = *device;
        }
        devices->n = n;
}

static int read_devices(struct mdevctl_entries *devices, sd_bus_message *reply, const char *parent) {
        struct mdevctl_entry entry = {};
        const char *state;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(ssssbo)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssssbo)", &entry.uuid, &entry.parent, &entry.device_type,
                                                  &state, NULL, NULL)) > 0)
                if (is_complete(state, entry.device_type) && (!parent || streq(entry.parent, parent)))
                        r = add(devices, &entry);
        if (r >= 0 && devices->n > 0)
                qsort(devices->items, devices->n, sizeof(*devices->items), compare);
        drop_others(devices);
        return r;
}

static int find_devices(struct mdevctl_entries *entries, struct mdevctl_entries *devices, const char *parent) {
        _cleanup_failure_ struct failure failure = {};
        _cleanup_message_ sd_bus_message *call = NULL;
        _cleanup_bus_ sd_bus *bus = NULL;
        int r;

        r = mdevctl_bus_open(&bus);
        if (r != EXIT_SUCCESS)
                return r;
        r = manager_call_new(bus, &call, "ListDevices", "");
        if (r >= 0 && mdevctl_bus_call(bus, call, &failure, &entries->devices) < 0)
                return mdevctl_fail("%s", failure_text(&failure));
        if (r >= 0)
                r = read_devices(devices, entries->devices, parent);
        return r < 0 ? mdevctl_fail_errno(r, "Unable to read the daemon's list") : EXIT_SUCCESS;
}

static int find_device(struct mdevctl_entries *entries, struct mdevctl_entries *devices, const char *parent,
                       const char *uuid) {
        const struct sysfs_device *device = &entries->device;
        const struct mdevctl_entry entry = { .uuid = uuid, .parent = device->parent, .device_type = device->type };

        if (sysfs_look_at_device(uuid, NULL, &entries->device) < 0 || !*device->type ||
            (parent && !streq(device->parent, parent)))
                return EXIT_SUCCESS;
        return add(devices, &entry) < 0 ? mdevctl_fail("Out of memory") : EXIT_SUCCESS;
}

/* Joins the devices and the files of the store, which are both sorted. Entries without a device are left out, or with
 * @defined those without a file. */
static int merge(struct mdevctl_entries *entries, const struct mdevctl_entries *devices, bool defined) {
        const struct mdevctl_store *store = &entries->store;
        size_t i = 0, j = 0;
        int r = 0, c;

        while ((i < devices->n || j < store->n) && r >= 0) {
                const struct mdevctl_stored *stored = store->items + j;
                struct mdevctl_entry entry = {};

                if (j == store->n)
                        c = -1;
                else if (i == devices->n)
                        c = 1;
                else
                        c = mdevctl_store_compare(devices->items[i].parent, devices->items[i].uuid,
                                                  stored->parent->name, stored->uuid);
                if (c <= 0)
                        entry = devices->items[i++];
                if (c >= 0) {
                        entry.uuid = stored->uuid;
                        entry.parent = stored->parent->name;
                        entry.stored = stored;
                        j++;
                }
                if (defined ? !!entry.stored : !!entry.device_type)
                        r = add(entries, &entry);
        }
        return r;
}

/* As mdevctl does, accepts any names in a file, and warns of a file that cannot be read. */
static int read_definition(struct mdevctl_entry *entry) {
        _cleanup_free_ char *error = NULL;
        int r;

        if (!entry->stored || !entry->stored->is_file || entry->definition)
                return 0;
        r = mdevctl_stored_read(entry->stored, &entry->definition, &error);
        if (r < 0 && r != -ENOMEM && r != -ENOENT)
                mdevctl_warn("%s", error);
        return r == -ENOMEM ? r : 0;
}

/* The device of such an entry is none that the definition describes. */
static void forget_other_definition(struct mdevctl_entry *entry) {
        if (!entry->definition || !mdevctl_is_other_definition(entry->definition))
                return;
        entry->definition = definition_free(entry->definition);
        entry->stored = NULL;
}

static int read_definitions(struct mdevctl_entries *entries, bool defined) {
        size_t n = 0;
        int r = 0;

        mdevctl_read_ahead(entries);
        for (size_t i = 0; i < entries->n && r >= 0; i++) {
                r = read_definition(entries->items + i);
                forget_other_definition(entries->items + i);
        }
        for (size_t i = 0; i < entries->n; i++)
                if (!defined || entries->items[i].definition)
                        entries->items[n++] = entries->items[i];
        entries->n = n;
        return r;
}

int mdevctl_entries_find(struct mdevctl_entries *entries, const char *parent, const char *uuid, bool defined,
                         bool definitions_only) {
        struct mdevctl_entries devices = {};
        int r = EXIT_SUCCESS;

        entries->store.with_others = true;
        if (uuid)
                r = find_device(entries, &devices, parent, uuid);
        else if (!definitions_only)
                r = find_devices(entries, &devices, parent);
        if (r == EXIT_SUCCESS) {
                r = mdevctl_store_scan(&entries->store, parent, uuid);
                if (r >= 0)
                        r = merge(entries, &devices, defined);
                if (r >= 0)
                        r = read_definitions(entries, defined);
                r = r < 0 ? mdevctl_fail_errno(r, "Unable to read the definitions") : EXIT_SUCCESS;
        }
        free(devices.items);
        return r;
}

void mdevctl_entries_clear(struct mdevctl_entries *entries) {
        for (size_t i = 0; i < entries->n; i++) {
                definition_free(entries->items[i].definition);
                attributes_clear(&entries->items[i].attributes);
        }
        free(entries->items);
        mdevctl_store_clear(&entries->store);
        sd_bus_message_unref(entries->devices);
        *entries = (struct mdevctl_entries) {};
}
