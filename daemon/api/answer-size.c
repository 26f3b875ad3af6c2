/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sums of what GetManagedObjects, ListDefinitions and Introspect tell: the texts, and a bound for all else. */

#include "daemon/api/answer-size.h"

#include "common/bus-names.h"
#include "daemon/autostart/autostart.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/job.h"
#include "daemon/manager.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"

/* An object without its texts has 490 bytes: the names of its interfaces and properties, lengths, and padding. */
#define OBJECT_SIZE 640
#define ROW_SIZE 64
#define ATTRIBUTE_SIZE 24

/* So many rows fit whatever the names are, of at most NAME_MAX bytes each. */
#define ROWS_ALWAYS_FIT 12000

/* In a path on the bus a byte of a name is up to three. */
#define ESCAPED 3

static size_t length(const char *text) {
        return text ? strlen(text) : 0;
}

/* Its two names stand in its path as well. */
static size_t names_size(const struct stored_definition *definition) {
        return (1 + ESCAPED) * (length(definition->uuid) + length(definition->directory->parent));
}

static size_t row_size(const struct manager *manager, const struct stored_definition *definition) {
        return ROW_SIZE + names_size(definition) + length(definition->type);
}

static size_t object_size(const struct manager *manager, const struct stored_definition *definition) {
        size_t size = OBJECT_SIZE + 2 * names_size(definition) + length(definition->type) + length(definition->reason) +
                      length(autostart_error(manager->autostart, definition));

        for (size_t i = 0; i < definition->attributes.n; i++)
                size += ATTRIBUTE_SIZE + length(definition->attributes.items[i].name) +
                        length(definition->attributes.items[i].value);
        return size;
}

static size_t definitions_size(const struct manager *manager,
                               size_t (*size_of)(const struct manager *, const struct stored_definition *)) {
        struct store_directory *directory, *next_directory;
        struct stored_definition *definition, *next;
        size_t size = 0;

        HASH_ITER(hh, manager->store->directories, directory, next_directory)
                HASH_ITER(hh, directory->definitions, definition, next)
                        size += size_of(manager, definition);
        return size;
}

/* Of a type there is no more text on the bus than in JSON, where a value has less around it. */
static size_t parent_size(const struct parent *parent) {
        return OBJECT_SIZE + (1 + ESCAPED) * length(parent->name) + length(parent->path) +
               3 * length(parent->types ? json_object_to_json_string(parent->types) : NULL);
}

static size_t device_size(const struct device *device) {
        return OBJECT_SIZE + (1 + ESCAPED) * length(device->parent) + length(device->path) + length(device->type);
}

static size_t objects_size(const struct manager *manager) {
        size_t size = HASH_COUNT(manager->jobs) * OBJECT_SIZE;
        struct parent *parent, *next_parent;
        struct device *device, *next_device;

        HASH_ITER(hh, manager->registry->parents, parent, next_parent)
                size += parent_size(parent);
        HASH_ITER(hh, manager->registry->devices, device, next_device)
                size += device_size(device);
        return size + definitions_size(manager, object_size);
}

bool answer_may_be_too_large(const struct manager *manager, sd_bus_message *message) {
        if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"))
                return objects_size(manager) > ANSWER_SIZE_MAX;
        if (sd_bus_message_is_method_call(message, BUS_MANAGER, "ListDefinitions") ||
            sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Introspectable", "Introspect"))
                return manager->store->n_definitions > ROWS_ALWAYS_FIT &&
                       definitions_size(manager, row_size) > ANSWER_SIZE_MAX;
        return false;
}
