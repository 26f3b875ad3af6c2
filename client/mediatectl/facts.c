/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The facts of `mediatectl show`, collected. */

#include "client/mediatectl/facts.h"

#include <errno.h>

#include "client/mediatectl/keys.h"
#include "client/mediatectl/preparation-facts.h"
#include "client/output/terminal.h"
#include "client/shared/bus-json.h"

struct text {
        const char *key, *text;
};

static json_object *object_of_texts(const struct text *texts, size_t n) {
        json_object *object = json_object_new_object();

        for (size_t i = 0; i < n; i++)
                keys_put_text(&object, texts[i].key, texts[i].text);
        return object;
}

void facts_init(struct facts *facts) {
        *facts = (struct facts) {
                .devices = json_object_new_array(),
                .definitions = json_object_new_array(),
                .parents = json_object_new_array(),
                .jobs = json_object_new_array(),
                .cards = json_object_new_array(),
        };
}

void facts_clear(struct facts *facts) {
        json_object_put(facts->devices);
        json_object_put(facts->definitions);
        json_object_put(facts->parents);
        json_object_put(facts->jobs);
        json_object_put(facts->cards);
        *facts = (struct facts) {};
}

int facts_add_device(const struct entry *entry, struct facts *facts) {
        json_object *properties = entry->device_properties, *device;
        _cleanup_free_ char *error = NULL;
        const struct text texts[] = {
                { "uuid", entry->uuid },
                { "parent", entry->parent },
                { "type", entry->type },
                { "state", entry->device->state },
                { "device_node", json_text(properties, "DeviceNode") },
                { "vfio_device_node", json_text(properties, "VFIODeviceNode") },
                { "sysfs_path", json_text(properties, "SysfsPath") },
        };
        int r;

        r = device_error(entry, &error);
        if (r < 0)
                return r;
        device = object_of_texts(texts, ELEMENTSOF(texts));
        keys_put_text(&device, "error", error ? error : "");
        keys_put_number(&device, "iommu_group", json_text(properties, "IOMMUGroup"));
        json_put(&device, "defined", json_object_new_boolean(entry->definition != NULL));
        if (entry->users)
                json_put(&device, "users", json_object_get(entry->users));
        else
                keys_put_text(&device, "users", "");
        json_push(&facts->devices, device);
        return 0;
}

int facts_add_definition(const struct entry *entry, struct facts *facts) {
        json_object *properties = entry->definition_properties, *definition, *attributes = NULL;
        _cleanup_free_ char *error = NULL;
        const struct text texts[] = {
                { "uuid", entry->uuid },
                { "parent", entry->parent },
                { "type", entry->definition->type },
                { "start", entry->definition->start },
                { "state", entry_state(entry) },
                { "start_state", json_text(properties, "StartState") },
                { "file", json_text(properties, "File") },
        };
        int r;

        r = definition_error(entry, &error);
        if (r < 0)
                return r;
        definition = object_of_texts(texts, ELEMENTSOF(texts));
        keys_put_text(&definition, "error", error ? error : "");
        json_put(&definition, "active", json_object_new_boolean(entry->definition->active));
        json_object_object_get_ex(properties, "Attributes", &attributes);
        keys_put_attributes(&definition, attributes);
        json_push(&facts->definitions, definition);
        return 0;
}

static json_object *type_to_json(const struct listed_type *type) {
        const struct text texts[] = {
                { "parent", type->parent },
                { "type", type->type },
                { "name", type->name },
                { "api", type->device_api },
                { "description", type->description },
        };
        json_object *object = object_of_texts(texts, ELEMENTSOF(texts));

        if (type->available == AVAILABLE_INSTANCES_UNKNOWN)
                keys_put_text(&object, "available", "");
        else
                json_put(&object, "available", json_object_new_int64(type->available));
        return object;
}

static int fetch_types_and_devices(struct client *client) {
        int r = lists_types(client, NULL);

        return r != 0 ? r : lists_devices(client);
}

int facts_add_parent(struct client *client, const struct listed_parent *parent, struct facts *facts) {
        json_object *object, *types, *devices;
        const struct lists *lists = &client->lists;
        int r;

        r = fetch_types_and_devices(client);
        if (r != 0)
                return r;

        types = json_object_new_array();
        for (size_t i = 0; i < lists->types.n; i++)
                if (streq(lists->types.items[i].parent, parent->name))
                        json_push(&types, type_to_json(&lists->types.items[i]));
        devices = json_object_new_array();
        for (size_t i = 0; i < lists->devices.n; i++)
                if (streq(lists->devices.items[i].parent, parent->name))
                        json_push(&devices, json_object_new_string(lists->devices.items[i].uuid));

        object = json_object_new_object();
        keys_put_text(&object, "parent", parent->name);
        keys_put_text(&object, "sysfs_path", parent->syspath);
        keys_put_text(&object, "card", parent->card);
        keys_put_text(&object, "backend", parent->backend);
        json_put(&object, "set_aside", json_object_new_boolean(parent->set_aside));
        json_put(&object, "types", types);
        json_put(&object, "devices", devices);
        json_push(&facts->parents, object);
        return 0;
}

static int put_types_of_card(const struct lists *lists, const char *card, json_object **object) {
        _cleanup_free_ struct listed_type *of_cards = NULL;
        json_object *types;
        size_t n;

        if (lists_types_of_cards(lists, &of_cards, &n) < 0)
                return -ENOMEM;
        types = json_object_new_array();
        for (size_t i = 0; i < n; i++)
                if (streq(of_cards[i].parent, card))
                        json_push(&types, type_to_json(&of_cards[i]));
        json_put(object, "types", types);
        return 0;
}

static json_object *function_to_json(const struct lists *lists, const struct listed_parent *parent) {
        json_object *object = json_object_new_object(), *devices = json_object_new_array();

        for (size_t i = 0; i < lists->devices.n; i++)
                if (streq(lists->devices.items[i].parent, parent->name))
                        json_push(&devices, json_object_new_string(lists->devices.items[i].uuid));
        keys_put_text(&object, "parent", parent->name);
        json_put(&object, "set_aside", json_object_new_boolean(parent->set_aside));
        json_put(&object, "devices", devices);
        return object;
}

int facts_add_card(struct client *client, const char *name, const struct card *card, struct facts *facts) {
        const struct lists *lists = &client->lists;
        json_object *object, *parents;
        const char *backend = "";
        int r;

        r = fetch_types_and_devices(client);
        if (r != 0)
                return r;

        object = json_object_new_object();
        parents = json_object_new_array();
        keys_put_text(&object, "card", name);
        for (size_t i = 0; i < lists->parents.n; i++)
                if (lists_is_on(lists, lists->parents.items[i].name, name)) {
                        json_push(&parents, function_to_json(lists, &lists->parents.items[i]));
                        backend = lists->parents.items[i].backend;
                }
        keys_put_text(&object, "backend", backend);
        json_put(&object, "parents", parents);
        r = put_types_of_card(lists, name, &object);
        /* The files of another host cannot be read. */
        if (r >= 0 && card)
                r = preparation_facts_put(card, &object);
        json_push(&facts->cards, object);
        return r;
}

int facts_add_jobs(struct client *client, const char *uuid, struct facts *facts) {
        const struct listed_job_list *jobs = &client->lists.jobs;
        int r;

        r = lists_jobs(client);
        for (size_t i = 0; r == 0 && i < jobs->n; i++) {
                const struct listed_job *job = &jobs->items[i];
                _cleanup_json_ json_object *properties = NULL;
                json_object *object;

                if (!streq(job->uuid, uuid))
                        continue;
                r = job_fetch(client, job, &properties);
                if (r != 0)
                        return r;
                object = json_object_new_object();
                json_put(&object, "job", json_object_new_uint64(job->id));
                keys_put_text(&object, "uuid", job->uuid);
                keys_put_text(&object, "parent", json_text(properties, "ParentName"));
                keys_put_text(&object, "type", json_text(properties, "Type"));
                keys_put_text(&object, "kind", job->kind);
                keys_put_text(&object, "state", job->state);
                json_push(&facts->jobs, object);
        }
        return r;
}

int facts_print_json(const struct facts *facts) {
        _cleanup_json_ json_object *root = json_object_new_object();
        _cleanup_free_ char *text = NULL;
        int r;

        json_put(&root, "devices", json_object_get(facts->devices));
        json_put(&root, "definitions", json_object_get(facts->definitions));
        json_put(&root, "parents", json_object_get(facts->parents));
        json_put(&root, "jobs", json_object_get(facts->jobs));
        json_put(&root, "cards", json_object_get(facts->cards));
        r = root ? json_text_format(root, &text) : -ENOMEM;
        if (r < 0)
                return r;
        put_json(stdout, text, strlen(text));
        putchar('\n');
        return 0;
}
