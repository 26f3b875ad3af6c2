/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bounds of the answers that list everything: the sum of the texts, and constants for all else. */

#include "daemon/api/answer-size.h"

#include <ctype.h>

#include "common/bus-names.h"
#include "common/store-file.h"
#include "daemon/api/manager.h"
#include "daemon/bus/bus-util.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"

/* What a row of a list, a whole object and an attribute have at most beside their texts: names of interfaces and
 * properties, the beginning of a path, lengths, and padding. The nodes of Introspect count as rows. */
#define ROW_SIZE 112
#define OBJECT_SIZE 960
#define ATTRIBUTE_SIZE 24
#define TYPE_SIZE 192

/* In a path on the bus, a byte of a name becomes up to three. */
#define ESCAPED 3

/* A row whose three names have NAME_MAX bytes each. The file of an invalid definition may have such a name, too. */
#define ROW_SIZE_MAX (ROW_SIZE + (3 + 2 * ESCAPED) * NAME_MAX)

/* The header of an answer, and the interfaces that Introspect describes. */
#define REST_SIZE (32 * 1024)

/* The kinds of objects that an answer lists. */
enum {
        DEFINITIONS = 1 << 0,
        DEVICES = 1 << 1,
        OTHERS = 1 << 2,        /* parents and jobs */
        ALL = DEFINITIONS | DEVICES | OTHERS,
};

#define READ_DEFINITIONS                                                                                               \
        "read the files in /" STORE_DIRECTORY ", or call GetDefinition and GetAll for one definition"

static const struct list {
        const char *interface;
        const char *member;
        int kinds;
        bool whole;             /* with all properties */
        const char *advice;     /* what to do where the answer is too large */
} lists[] = {
        { "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", ALL, true, READ_DEFINITIONS },
        { "org.freedesktop.DBus.Introspectable", "Introspect", ALL, false, READ_DEFINITIONS },
        { BUS_MANAGER, "ListDefinitions", DEFINITIONS, false, READ_DEFINITIONS },
        { BUS_MANAGER, "ListDevices", DEVICES, false,
          "read the directory /sys/bus/mdev/devices, or call GetDevice and GetAll for one device" },
};

static size_t length(const char *text) {
        return text ? strlen(text) : 0;
}

/* A name that also stands in the path of its object, where sd_bus_path_encode(3) escapes bytes. */
static size_t name_size(const char *name) {
        size_t n = length(name), size = 2 * n;

        for (size_t i = 0; i < n; i++)
                if (!isascii(name[i]) || !isalpha(name[i]))
                        size += i > 0 && isascii(name[i]) && isdigit(name[i]) ? 0 : ESCAPED - 1;
        return size;
}

static size_t definition_size(const struct stored_definition *definition, bool whole) {
        size_t names = name_size(definition->uuid) + name_size(definition->directory->parent), size;

        size = names + length(definition->type);
        if (!whole)
                return ROW_SIZE + size;
        /* File has the names once more, and so have Device and Parent together. */
        size += OBJECT_SIZE + 2 * names + length(definition->reason) + length(definition->error.message);
        for (size_t i = 0; i < definition->attributes.n; i++)
                size += ATTRIBUTE_SIZE + length(definition->attributes.items[i].name) +
                        length(definition->attributes.items[i].value);
        return size;
}

static size_t device_size(const struct device *device, bool whole) {
        size_t names = name_size(device->uuid) + name_size(device->parent), size = names + length(device->type);

        /* Definition has the names once more, and Parent has one of them. */
        return whole ? OBJECT_SIZE + size + 2 * names + length(device->path) + length(device->error.message) :
                       ROW_SIZE + size;
}

static size_t job_size(const struct job *job) {
        return OBJECT_SIZE + 2 * name_size(job->uuid) + (job->parent ? name_size(job->parent) : 0) +
               length(job->mdev_type);
}

static size_t type_size(const struct mdev_type *type) {
        return TYPE_SIZE + length(type->id) + length(type->name) + length(type->device_api) + length(type->description);
}

static size_t parent_size(const struct parent *parent, bool whole) {
        size_t size = OBJECT_SIZE + name_size(parent->name) + length(parent->path) + length(parent->card);

        if (!whole)
                return ROW_SIZE + name_size(parent->name);
        for (size_t i = 0; i < parent->types.n; i++)
                size += type_size(parent->types.items + i);
        return size;
}

static size_t sum(const struct manager *manager, int kinds, bool whole) {
        struct stored_definition *definition, *next_definition;
        struct store_directory *directory, *next_directory;
        struct parent *parent, *next_parent;
        struct device *device, *next_device;
        struct job *job, *next_job;
        size_t size = REST_SIZE;

        if (kinds & DEFINITIONS)
                HASH_ITER(hh, manager->store->directories, directory, next_directory)
                        HASH_ITER(hh, directory->definitions, definition, next_definition)
                                size += definition_size(definition, whole);
        if (kinds & DEVICES)
                HASH_ITER(hh, manager->registry->devices, device, next_device)
                        size += device_size(device, whole);
        if (kinds & OTHERS) {
                HASH_ITER(hh, manager->registry->parents, parent, next_parent)
                        size += parent_size(parent, whole);
                HASH_ITER(hh, manager->jobs->by_id, job, next_job)
                        size += job_size(job);
        }
        return size;
}

static const struct list *find_list(sd_bus_message *message) {
        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                if (sd_bus_message_is_method_call(message, lists[i].interface, lists[i].member))
                        return lists + i;
        return NULL;
}

size_t answer_size_bound(const struct manager *manager, sd_bus_message *message) {
        const struct list *list = find_list(message);

        return list ? sum(manager, list->kinds, list->whole) : 0;
}

/* Nearly always, all rows fit whatever is in them. */
static bool has_few_rows(const struct manager *manager, int kinds) {
        size_t n = 0;

        if (kinds & DEFINITIONS)
                n += manager->store->n_definitions;
        if (kinds & DEVICES)
                n += HASH_COUNT(manager->registry->devices);
        if (kinds & OTHERS)
                n += HASH_COUNT(manager->registry->parents) + jobs_count(manager->jobs);
        return REST_SIZE + n * ROW_SIZE_MAX <= ANSWER_SIZE_MAX;
}

int answer_size_check(sd_bus_message *message, void *userdata) {
        const struct list *list = find_list(message);
        struct manager *manager = userdata;

        if (!list || (!list->whole && has_few_rows(manager, list->kinds)) ||
            sum(manager, list->kinds, list->whole) <= ANSWER_SIZE_MAX)
                return 0;
        return bus_fail(message, FAILURE_LIMITS_EXCEEDED, "The answer would be larger than the bus allows; %s",
                        list->advice);
}
