/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading the file of a definition, and announcing what it says. */

#include "daemon/definitions/stored-definition.h"

#include <assert.h>

#include "common/bus-names.h"
#include "common/io.h"
#include "common/message-ids.h"
#include "common/store-file.h"
#include "common/utf8.h"
#include "common/uuid.h"
#include "daemon/base/log.h"
#include "daemon/definitions/store-link.h"
#include "daemon/definitions/store.h"
#include "daemon/registry/device.h"

static struct exports *exports_of(const struct stored_definition *definition) {
        return definition->directory->store->exports;
}

static void changed(struct stored_definition *definition, const char *property) {
        export_change(exports_of(definition), &definition->export, property);
}

bool stored_definition_is_active(const struct stored_definition *definition) {
        return definition->device && definition->device->state == DEVICE_ACTIVE;
}

void stored_definition_set_device(struct stored_definition *definition, struct device *device) {
        assert(!device || streq(device->uuid, definition->uuid));
        definition->device = device;
        if (device)
                device_set_defined(device, true);
        changed(definition, "Active");
        changed(definition, "Device");
        changed(definition, "StartState");
}

void stored_definition_set_error(struct stored_definition *definition, const struct failure *error) {
        if (!error && definition->error.code == FAILURE_NONE)
                return;
        failure_copy(error, &definition->error);
        changed(definition, "Error");
}

static void find_device(struct stored_definition *definition) {
        struct device *device = device_find(definition->directory->store->registry, definition->uuid);

        if (device && streq(device->parent, definition->directory->parent))
                stored_definition_set_device(definition, device);
}

static struct stored_definition *stored_definition_free(struct stored_definition *definition) {
        if (!definition)
                return NULL;

        assert(!definition->hh.tbl);
        export_remove(exports_of(definition), &definition->export);
        attributes_clear(&definition->attributes);
        free(definition->uuid);
        sd_event_source_disable_unref(definition->link_watch);
        free(definition->reason);
        failure_clear(&definition->error);
        free(definition->type);
        free(definition);
        return NULL;
}
DEFINE_CLEANUP_FUNC(struct stored_definition *, stored_definition_free)

static void unlink_definition(struct stored_definition *definition) {
        assert(definition->hh.tbl && definition->directory->store->n_definitions > 0);
        HASH_DEL(definition->directory->definitions, definition);
        definition->hh.tbl = NULL;
        definition->directory->store->n_definitions--;
}

void stored_definition_forget(struct stored_definition *definition) {
        unlink_definition(definition);
        stored_definition_free(definition);
}

void stored_definition_gone(struct stored_definition *definition) {
        const struct store *store = definition->directory->store;

        unlink_definition(definition);
        if (store->observer->gone)
                store->observer->gone(definition, store->userdata);
        if (definition->device)
                device_set_defined(definition->device, false);
        stored_definition_free(definition);
}

static struct stored_definition *stored_definition_new(struct store_directory *directory, const char *name) {
        _cleanup_(stored_definition_freep) struct stored_definition *definition = NULL;
        char *path;

        assert(!store_directory_find(directory, name));

        definition = calloc(1, sizeof(*definition));
        if (!definition)
                return NULL;
        definition->directory = directory;
        definition->uuid = strdup(name);
        if (!definition->uuid ||
            sd_bus_path_encode_many(&path, BUS_DEFINITION_PATH "/%/%", directory->parent, name) < 0 ||
            export_add(exports_of(definition), &definition->export, path, BUS_DEFINITION, definition) < 0)
                return NULL;

        HASH_ADD_KEYPTR(hh, directory->definitions, definition->uuid, strlen(definition->uuid), definition);
        if (!definition->hh.tbl)
                return NULL;
        directory->store->n_definitions++;
        find_device(definition);
        return TAKE_PTR(definition);
}

static void changed_validity(struct stored_definition *definition) {
        static const char *const properties[] = { "Valid", "Type", "StartMode", "Attributes", "StartState",
                                                  "Error" };

        for (size_t i = 0; i < ELEMENTSOF(properties); i++)
                changed(definition, properties[i]);
}

static void set_invalid(struct stored_definition *definition, const struct definition_error *error) {
        _cleanup_free_ char *reason = NULL;
        struct log_fields fields = {
                .message_id = MESSAGE_DEFINITION_INVALID,
                .uuid = definition->uuid,
                .parent = definition->directory->parent,
        };
        int r;

        if (error->line > 0)
                r = asprintf(&reason, "line %u: %s", error->line, error->message);
        else
                r = asprintf(&reason, "%s", error->message);
        if (r < 0)
                reason = NULL;

        /* It is logged once, and not at each look. */
        if (!definition->reason || !reason || !streq(definition->reason, reason))
                log_full(LOG_WARNING, 0, fields, "Invalid definition /" STORE_DIRECTORY "/%s/%s: %s",
                         definition->directory->parent, definition->uuid, reason ? reason : "");

        free(definition->reason);
        definition->reason = TAKE_PTR(reason);
        changed(definition, "Error");
        if (!definition->valid)
                return;

        definition->valid = false;
        free(definition->type);
        definition->type = NULL;
        attributes_clear(&definition->attributes);
        changed_validity(definition);
}

/* Returns 0; or -ENOMEM, and then the definition stays as it was. */
static int take_contents(struct stored_definition *definition, const struct definition *contents) {
        _cleanup_(attributes_clear) struct attributes attributes = {};
        bool other_attributes = !attributes_equal(&definition->attributes, definition_attributes(contents));
        bool other_type = !definition->type || !streq(definition->type, definition_type(contents));
        _cleanup_free_ char *type = other_type ? strdup(definition_type(contents)) : NULL;
        enum start_mode start = definition_start(contents);

        if ((other_type && !type) ||
            (other_attributes && attributes_copy(definition_attributes(contents), &attributes) < 0))
                return -ENOMEM;

        if (!definition->valid)
                changed_validity(definition);
        definition->valid = true;
        definition->names_backend = definition_backend(contents);
        free(definition->reason);
        definition->reason = NULL;

        if (other_type) {
                free(definition->type);
                definition->type = TAKE_PTR(type);
                changed(definition, "Type");
        }
        if (definition->start != start) {
                changed(definition, "StartMode");
                changed(definition, "StartState");
        }
        definition->start = start;
        if (other_attributes) {
                attributes_clear(&definition->attributes);
                definition->attributes = attributes;
                attributes = (struct attributes) {};
                changed(definition, "Attributes");
        }
        return 0;
}

struct stored_definition *stored_definition_refresh_at(struct store_directory *directory, int parent_fd,
                                                       const char *name) {
        _cleanup_definition_ struct definition *contents = NULL;
        const struct store *store = directory->store;
        struct stored_definition *definition;
        struct definition_error error = {};
        struct stat st = {};
        bool is_new;
        int r;

        /* With a directory that cannot be opened, none of its files can be read. */
        r = parent_fd < 0 ? parent_fd : store_read(parent_fd, name, &contents, &st, &error);
        HASH_FIND_STR(directory->definitions, name, definition);
        if (is_shortage(r)) {
                store_touch(directory->store, directory->parent, name, STORE_AGAIN_USEC);
                return definition;
        }
        if (r == -ENOENT || r == -ENOTDIR) {
                if (definition)
                        stored_definition_gone(definition);
                return NULL;
        }
        if (r == -EBADMSG && store_file_is_fresh(&st)) {
                store_touch(directory->store, directory->parent, name, STORE_FRESH_USEC);
                return definition;
        }

        is_new = !definition;
        if (is_new)
                definition = stored_definition_new(directory, name);
        if (!definition) {
                store_touch(directory->store, directory->parent, name, STORE_AGAIN_USEC);
                return NULL;
        }
        store_link_watch(definition, parent_fd, &st);

        if (r >= 0 && !uuid_is_normal(name)) {
                snprintf(error.message, sizeof(error.message), "its name is not a UUID in lower case");
                r = -EBADMSG;
        } else if (r >= 0 && definition_check(contents, &error) < 0)
                r = -EBADMSG;
        else if (r < 0 && !error.message[0])
                snprintf(error.message, sizeof(error.message), "cannot be read: %s", strerror(-r));

        if (r < 0)
                set_invalid(definition, &error);
        else if (take_contents(definition, contents) < 0) {
                store_touch(directory->store, directory->parent, name, STORE_AGAIN_USEC);
                if (!is_new)
                        return definition;
                stored_definition_gone(definition);
                return NULL;
        }
        if (store->observer->read)
                store->observer->read(definition, store->userdata);
        return definition;
}

struct stored_definition *stored_definition_refresh(struct store_directory *directory, const char *name) {
        _cleanup_close_ int store_fd = -1, parent_fd = -1;

        store_fd = store_open();
        parent_fd = store_fd < 0 ? store_fd : store_open_parent(store_fd, directory->parent);
        return stored_definition_refresh_at(directory, parent_fd, name);
}
