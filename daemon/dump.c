/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manager.Dump: all devices and definitions at once.
 *
 * Whoever has changed a file and asks then must be told of the change. So first inotify is heard out, up to a barrier that
 * is raised for the question, and then all is looked at of which it has told. */

#include "daemon/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <utlist.h>

#include "common/memfd.h"
#include "common/record.h"
#include "daemon/barrier.h"
#include "daemon/device.h"
#include "daemon/manager.h"
#include "daemon/store.h"

/* One at what was being looked at, one at the store, one at its directories. What is left then is half written, or was
 * changed since. */
#define LOOKS_MAX 3

struct dump {
        sd_bus_message *message;
        unsigned int n_barriers;        /* that are still to be passed: its own, and one that was raised before it came */
        unsigned int n_looks;           /* since then */
        struct dump *prev, *next;
};

struct dumps {
        struct manager *manager;
        struct barrier *barrier;
        struct dump *waiting;
        int fd;                         /* the last one that was made; -1: none */
        uint64_t generation;            /* of what is in it */
};

static void dump_free(struct dumps *dumps, struct dump *dump) {
        DL_DELETE(dumps->waiting, dump);
        sd_bus_message_unref(dump->message);
        free(dump);
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
static int open_dump(struct dumps *dumps) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        uint64_t generation = exports_generation(dumps->manager->exports);
        int fd;

        if (dumps->fd < 0 || dumps->generation != generation) {
                fd = make_memfd(dumps->manager);
                if (fd < 0)
                        return fd;
                closep(&dumps->fd);
                dumps->fd = fd;
                dumps->generation = generation;
        }

        snprintf(path, sizeof(path), "/proc/self/fd/%d", dumps->fd);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static void answer(struct dumps *dumps, struct dump *dump) {
        _cleanup_close_ int fd = -1;

        fd = open_dump(dumps);
        if (fd < 0)
                (void) sd_bus_reply_method_errno(dump->message, fd, NULL);
        else
                (void) sd_bus_reply_method_return(dump->message, "h", fd);
        dump_free(dumps, dump);
}

static void on_passed(void *userdata) {
        struct dumps *dumps = userdata;
        bool behind = store_hurry(dumps->manager->store), again = false;
        struct dump *dump, *next;

        DL_FOREACH_SAFE(dumps->waiting, dump, next) {
                if (dump->n_barriers == 0 || --dump->n_barriers > 0)
                        again |= dump->n_barriers > 0;
                else if (!behind)
                        answer(dumps, dump);
        }
        if (again && barrier_raise(dumps->barrier) < 0)
                on_passed(dumps);
}

int dump_start(struct dumps *dumps, sd_bus_message *message) {
        struct dump *dump;
        int r = 0;

        dump = calloc(1, sizeof(*dump));
        if (!dump)
                return -ENOMEM;
        *dump = (struct dump) {
                .message = sd_bus_message_ref(message),
                .n_barriers = barrier_is_raised(dumps->barrier) ? 2 : 1,
        };
        DL_APPEND(dumps->waiting, dump);
        if (dump->n_barriers == 1)
                r = barrier_raise(dumps->barrier);
        if (r < 0)
                dump_free(dumps, dump);
        return r;
}

void dump_store_looked(struct dumps *dumps) {
        struct dump *dump, *next;
        bool behind;

        if (!dumps || !dumps->waiting)
                return;
        behind = store_hurry(dumps->manager->store);
        DL_FOREACH_SAFE(dumps->waiting, dump, next)
                if (dump->n_barriers == 0 && (!behind || ++dump->n_looks >= LOOKS_MAX))
                        answer(dumps, dump);
}

int dumps_new(struct dumps **ret, struct manager *manager) {
        _cleanup_(dumps_freep) struct dumps *dumps = NULL;
        int r;

        dumps = calloc(1, sizeof(*dumps));
        if (!dumps)
                return -ENOMEM;
        *dumps = (struct dumps) { .manager = manager, .fd = -1 };
        r = barrier_new(&dumps->barrier, manager->event, on_passed, dumps);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(dumps);
        return 0;
}

struct dumps *dumps_free(struct dumps *dumps) {
        if (!dumps)
                return NULL;

        while (dumps->waiting)
                dump_free(dumps, dumps->waiting);
        barrier_free(dumps->barrier);
        closep(&dumps->fd);
        free(dumps);
        return NULL;
}
