/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Devices and definitions as mdevctl lists them. */

#include "client/mdevctl-entries.h"

#include <errno.h>

#include "client/mdevctl-bus.h"
#include "client/mdevctl-store.h"
#include "client/mdevctl-tell.h"
#include "common/memfd.h"
#include "common/sysfs.h"

/* 10,000 definitions of the largest size take 640 MiB. */
#define DUMP_SIZE_MAX ((size_t) 1 << 30)

bool mdevctl_entry_has_device(const struct record *entry) {
        const char *state = entry->fields[RECORD_DEVICE_STATE];

        return *entry->fields[RECORD_DEVICE_TYPE] && (streq(state, "active") || streq(state, "wedged"));
}

bool mdevctl_entry_has_file(const struct record *entry) {
        return mdevctl_entry_is_defined(entry) || *entry->fields[RECORD_REASON];
}

bool mdevctl_entry_is_defined(const struct record *entry) {
        return *entry->fields[RECORD_START];
}

static struct record *add(struct mdevctl_entries *entries, const struct record *record) {
        if (entries->n == entries->allocated) {
                size_t allocated = entries->allocated > 0 ? 2 * entries->allocated : 64;
                struct record *items = reallocarray(entries->items, allocated, sizeof(*items));

                if (!items)
                        return NULL;
                entries->items = items;
                entries->allocated = allocated;
        }

        entries->items[entries->n] = *record;
        return entries->items + entries->n++;
}

/* A record of our own making. */
static int make(struct mdevctl_entries *entries, const char *const fields[static _RECORD_FIELD_MAX],
                const struct attributes *attributes, struct record *ret) {
        _cleanup_free_ char *text = NULL;
        char **texts;
        FILE *stream;
        size_t size;

        texts = reallocarray(entries->texts, entries->n_texts + 1, sizeof(*texts));
        if (!texts)
                return -ENOMEM;
        entries->texts = texts;

        stream = open_memstream(&text, &size);
        if (!stream)
                return -ENOMEM;
        record_write(stream, fields, attributes);
        if (fclose(stream) == EOF || record_read(text, size, ret) <= 0)
                return -ENOMEM;
        entries->texts[entries->n_texts++] = TAKE_PTR(text);
        return 0;
}

int mdevctl_entries_set(struct mdevctl_entries *entries, struct record *entry, const char *type, const char *start,
                        const struct attributes *attributes) {
        const char *fields[_RECORD_FIELD_MAX];

        memcpy(fields, entry->fields, sizeof(fields));
        fields[RECORD_TYPE] = type;
        fields[RECORD_START] = start;
        fields[RECORD_REASON] = NULL;
        return make(entries, fields, attributes, entry);
}

/* mdevctl does not judge names, and tells of what cannot be read. */
static int define_from_file(struct mdevctl_entries *entries, struct record *entry, const struct mdevctl_stored *stored) {
        _cleanup_definition_ struct definition *definition = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        r = mdevctl_stored_read(stored, &definition, &error);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                if (r != -ENOENT)
                        mdevctl_warn("%s", error);
                return 0;
        }
        return mdevctl_entries_set(entries, entry, definition_type(definition),
                                   start_mode_to_string(definition_start(definition)),
                                   definition_attributes(definition));
}

/* What the daemon calls invalid is judged here once more. */
static int define_invalid(struct mdevctl_entries *entries, struct record *entry) {
        _cleanup_store_ struct mdevctl_store store = {};
        int r;

        r = mdevctl_store_scan(&store, entry->fields[RECORD_PARENT], entry->fields[RECORD_UUID]);
        return r < 0 || store.n == 0 ? r : define_from_file(entries, entry, store.items);
}

static int add_records(struct mdevctl_entries *entries, const char *parent) {
        size_t done = 0;
        ssize_t n = 0;
        int r = 0;

        while (r >= 0) {
                struct record record, *entry;

                n = record_read(entries->dump + done, entries->dump_size - done, &record);
                if (n <= 0)
                        return (int) n;
                done += (size_t) n;
                if (parent && !streq(record.fields[RECORD_PARENT], parent))
                        continue;
                /* The name of an invalid one can be anything. */
                if (*record.fields[RECORD_REASON] && !uuid_is_normal(record.fields[RECORD_UUID]))
                        continue;

                entry = add(entries, &record);
                if (!entry)
                        return -ENOMEM;
                if (*record.fields[RECORD_REASON])
                        r = define_invalid(entries, entry);
        }
        return r;
}

static int take_dump(struct mdevctl_entries *entries, sd_bus_message *reply) {
        int fd, r;

        r = sd_bus_message_read(reply, "h", &fd);
        if (r < 0)
                return r;
        r = memfd_map(fd, DUMP_SIZE_MAX, &entries->dump, &entries->dump_size);
        /* There is nothing at all. */
        return r == -EBADMSG && lseek(fd, 0, SEEK_END) == 0 ? 0 : r;
}

static int find_all(struct mdevctl_entries *entries, const char *parent, struct failure *failure) {
        _cleanup_bus_ sd_bus *bus = NULL;
        _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r < 0)
                return failure_set(failure, FAILURE_IO_ERROR, "Unable to connect to the system bus: %s", strerror(-r));
        r = mdevctl_bus_new_call(bus, "Dump", &call);
        if (r >= 0 && mdevctl_bus_call(bus, call, failure, &reply) < 0)
                return -EIO;
        if (r >= 0)
                r = take_dump(entries, reply);
        if (r >= 0)
                r = add_records(entries, parent);
        return r < 0 ? failure_set(failure, FAILURE_IO_ERROR, "Unable to read the daemon's list: %s", strerror(-r)) : 0;
}

/* A file, with the device that is there too if it is of that parent. */
static int add_file(struct mdevctl_entries *entries, const struct mdevctl_stored *stored,
                    const struct sysfs_device *device) {
        bool active = *device->type && streq(device->parent, stored->parent->name);
        const char *fields[_RECORD_FIELD_MAX] = {
                [RECORD_UUID] = stored->uuid,
                [RECORD_PARENT] = stored->parent->name,
                [RECORD_DEVICE_TYPE] = active ? device->type : NULL,
                [RECORD_DEVICE_STATE] = active ? "active" : NULL,
                [RECORD_REASON] = "not read",
        };
        struct record record, *entry;
        int r;

        r = make(entries, fields, NULL, &record);
        if (r < 0)
                return r;
        entry = add(entries, &record);
        return entry ? define_from_file(entries, entry, stored) : -ENOMEM;
}

static int add_device(struct mdevctl_entries *entries, const char *uuid, const struct sysfs_device *device) {
        const char *fields[_RECORD_FIELD_MAX] = {
                [RECORD_UUID] = uuid,
                [RECORD_PARENT] = device->parent,
                [RECORD_DEVICE_TYPE] = device->type,
                [RECORD_DEVICE_STATE] = "active",
        };
        struct record record;
        int r;

        r = make(entries, fields, NULL, &record);
        if (r < 0)
                return r;
        return add(entries, &record) ? 0 : -ENOMEM;
}

static int find_in_files(struct mdevctl_entries *entries, const char *parent, const char *uuid) {
        _cleanup_store_ struct mdevctl_store store = {};
        struct sysfs_device device = {};
        bool found;
        int r;

        found = uuid && sysfs_look_at_device(uuid, NULL, &device) >= 0 && *device.type &&
                (!parent || streq(device.parent, parent));
        if (!found)
                device = (struct sysfs_device) {};
        r = mdevctl_store_scan(&store, parent, uuid);
        for (size_t i = 0; i < store.n && r >= 0; i++) {
                r = add_file(entries, store.items + i, &device);
                if (streq(device.parent, store.items[i].parent->name))
                        found = false;
        }
        return r >= 0 && found ? add_device(entries, uuid, &device) : r;
}

static int compare(const void *a, const void *b) {
        const struct record *x = a, *y = b;
        int c = strcmp(x->fields[RECORD_PARENT], y->fields[RECORD_PARENT]);

        return c != 0 ? c : strcmp(x->fields[RECORD_UUID], y->fields[RECORD_UUID]);
}

int mdevctl_entries_find(struct mdevctl_entries *entries, const char *parent, const char *uuid, bool definitions_only) {
        _cleanup_failure_ struct failure failure = {};
        int r;

        r = uuid ? -EIO : find_all(entries, parent, &failure);
        if (r < 0 && !uuid && !definitions_only)
                return mdevctl_fail("%s", failure.message);
        if (r < 0) {
                entries->n = 0;
                r = find_in_files(entries, parent, uuid);
        }
        if (r < 0)
                return mdevctl_fail_errno(r, "Unable to read the definitions");

        if (entries->n > 0)
                qsort(entries->items, entries->n, sizeof(*entries->items), compare);
        return EXIT_SUCCESS;
}

void mdevctl_entries_keep(struct mdevctl_entries *entries, bool (*wanted)(const struct record *entry)) {
        size_t n = 0;

        for (size_t i = 0; i < entries->n; i++)
                if (wanted(entries->items + i))
                        entries->items[n++] = entries->items[i];
        entries->n = n;
}

void mdevctl_entries_clear(struct mdevctl_entries *entries) {
        memfd_unmap(entries->dump, entries->dump_size);
        for (size_t i = 0; i < entries->n_texts; i++)
                free(entries->texts[i]);
        free(entries->texts);
        free(entries->items);
        *entries = (struct mdevctl_entries) {};
}
