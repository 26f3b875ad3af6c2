/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manager.Dump: all devices and definitions at once.
 *
 * Whoever has changed a file and asks then must be told of the change. inotify tells the daemon of it before the bus
 * brings the question (store.c has the priorities), but looking at what has changed comes later, in slices; so the answer
 * waits for that. */

#include "daemon/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <utlist.h>

#include "common/memfd.h"
#include "common/record.h"
#include "daemon/device.h"
#include "daemon/manager.h"
#include "daemon/store.h"

/* One at what was being looked at, one at the store, one at its directories. What is left then is half written, or was
 * changed since. */
#define LOOKS_MAX 3

struct dump {
        struct manager *manager;
        sd_bus_message *message;
        unsigned int n_looks;
        struct dump *prev, *next;
};

static void dump_free(struct dump *dump) {
        DL_DELETE(dump->manager->dumps, dump);
        sd_bus_message_unref(dump->message);
        free(dump);
}

void dump_free_all(struct manager *manager) {
        while (manager->dumps)
                dump_free(manager->dumps);
        closep(&manager->dump_fd);
}

static void write_one(FILE *stream, const struct device *device, const struct stored_definition *definition) {
        bool valid = definition && definition->valid;
        const char *fields[_RECORD_FIELD_MAX] = {
                [RECORD_UUID] = device ? device->uuid : definition->uuid,
                [RECORD_PARENT] = device ? device->parent : definition->directory->parent,
                [RECORD_DEVICE_TYPE] = device ? device->type : NULL,
                [RECORD_DEVICE_STATE] = device ? device_state_to_string(device->state) : NULL,
                [RECORD_TYPE] = valid ? definition->type : NULL,
                [RECORD_START] = valid ? start_mode_to_string(definition->start) : NULL,
                [RECORD_REASON] = definition && !valid ? definition->reason : NULL,
        };

        record_write(stream, fields, valid ? &definition->attributes : NULL);
}

static int write_all(FILE *stream, struct manager *manager) {
        struct store_directory *directory, *next_directory;
        struct stored_definition *definition, *next_definition;
        struct device *device, *next;

        HASH_ITER(hh, manager->store->directories, directory, next_directory)
                HASH_ITER(hh, directory->definitions, definition, next_definition)
                        write_one(stream, definition->device, definition);
        HASH_ITER(hh, manager->devices, device, next)
                if (!device->definition)
                        write_one(stream, device, NULL);
        return ferror(stream) ? -ENOMEM : 0;
}

static int make_memfd(struct manager *manager) {
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        FILE *stream;
        int r;

        stream = open_memstream(&text, &size);
        if (!stream)
                return -ENOMEM;
        r = write_all(stream, manager);
        if (fclose(stream) == EOF && r >= 0)
                r = -ENOMEM;
        return r < 0 ? r : memfd_new_sealed("mediated-dump", text, size);
}

/* The last one serves as long as nothing has changed. Each reader gets a file description of its own: a position in the
 * file that is shared would be moved by others. */
static int open_dump(struct manager *manager) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        uint64_t generation = exports_generation(manager->exports);
        int fd;

        if (manager->dump_fd < 0 || manager->dump_generation != generation) {
                fd = make_memfd(manager);
                if (fd < 0)
                        return fd;
                closep(&manager->dump_fd);
                manager->dump_fd = fd;
                manager->dump_generation = generation;
        }

        snprintf(path, sizeof(path), "/proc/self/fd/%d", manager->dump_fd);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int answer(struct manager *manager, sd_bus_message *message) {
        _cleanup_close_ int fd = -1;

        fd = open_dump(manager);
        return fd < 0 ? sd_bus_reply_method_errno(message, fd, NULL) : sd_bus_reply_method_return(message, "h", fd);
}

int dump_start(struct manager *manager, sd_bus_message *message) {
        struct dump *dump;

        if (!store_hurry(manager->store))
                return answer(manager, message);

        dump = calloc(1, sizeof(*dump));
        if (!dump)
                return -ENOMEM;
        *dump = (struct dump) { .manager = manager, .message = sd_bus_message_ref(message) };
        DL_APPEND(manager->dumps, dump);
        return 0;
}

void dump_store_looked(struct manager *manager) {
        bool behind = manager->dumps && store_hurry(manager->store);
        struct dump *dump, *next;

        DL_FOREACH_SAFE(manager->dumps, dump, next)
                if (!behind || ++dump->n_looks >= LOOKS_MAX) {
                        (void) answer(manager, dump->message);
                        dump_free(dump);
                }
}
