/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What `mediatectl show` tells, collected. */

#include "client/mediatectl/facts.h"

#include <errno.h>

#include "client/output/terminal.h"
#include "client/shared/bus-json.h"
#include "common/holders.h"
#include "common/sysfs.h"

/* Takes over @value, which is NULL when there was no memory. */
static int put(json_object *object, const char *key, json_object *value) {
        if (!value)
                return -ENOMEM;
        if (json_object_object_add(object, key, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

static int put_text(json_object *object, const char *key, const char *text) {
        /* What is not known is null, as in the tables. */
        if (!*text)
                return json_object_object_add(object, key, NULL) < 0 ? -ENOMEM : 0;
        return put(object, key, json_object_new_string(text));
}

static json_object *append_object(json_object *array) {
        json_object *object = json_object_new_object();

        if (object && json_object_array_add(array, object) < 0) {
                json_object_put(object);
                return NULL;
        }
        return object;
}

static int put_array(json_object *object, const char *key, json_object **ret) {
        *ret = json_object_new_array();
        return put(object, key, *ret);
}

int facts_init(struct facts *facts) {
        int r;

        facts->root = json_object_new_object();
        if (!facts->root)
                return -ENOMEM;
        r = put_array(facts->root, "devices", &facts->devices);
        if (r >= 0)
                r = put_array(facts->root, "definitions", &facts->definitions);
        if (r >= 0)
                r = put_array(facts->root, "parents", &facts->parents);
        return r >= 0 ? put_array(facts->root, "jobs", &facts->jobs) : r;
}

void facts_clear(struct facts *facts) {
        json_object_put(facts->root);
        *facts = (struct facts) {};
}

static int add_holder(pid_t pid, const char *name, void *userdata) {
        json_object *holder = append_object(userdata);
        int r;

        if (!holder)
                return -ENOMEM;
        r = put(holder, "pid", json_object_new_int(pid));
        return r >= 0 ? put_text(holder, "name", name) : r;
}

/* Not of another host; and who is not root cannot tell that there are none. */
static int put_holders(struct client *client, json_object *device, const char *uuid) {
        _cleanup_json_ json_object *holders = json_object_new_array();
        _cleanup_close_ int fd = -1;
        int n = -EPERM;

        if (!holders)
                return -ENOMEM;
        if (client_is_local(client)) {
                fd = sysfs_open_device(uuid);
                n = fd < 0 ? fd : holders_find(fd, add_holder, holders);
        }
        if (n < 0 || (n == 0 && geteuid() != 0))
                return put_text(device, "holders", "");
        return put(device, "holders", TAKE_PTR(holders));
}

int facts_add_device(struct client *client, const struct entry *entry, struct facts *facts) {
        json_object *device = append_object(facts->devices), *properties = entry->device_properties;
        const char *texts[][2] = {
                { "uuid", entry->uuid },
                { "parent", entry->parent },
                { "type", entry->type },
                { "state", entry->device->state },
                { "iommu-group", json_text(properties, "IOMMUGroup") },
                { "device-node", json_text(properties, "DeviceNode") },
                { "sysfs-path", json_text(properties, "SysfsPath") },
        };
        int r = device ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(texts); i++)
                r = put_text(device, texts[i][0], texts[i][1]);
        if (r >= 0)
                r = put(device, "defined", json_object_new_boolean(entry->definition != NULL));
        return r >= 0 ? put_holders(client, device, entry->uuid) : r;
}

/* A list of objects with one member each: names may come several times, and their order matters. */
static int put_attributes(json_object *definition, json_object *properties) {
        json_object *attributes, *pairs;
        int r;

        r = put_array(definition, "attributes", &attributes);
        if (r < 0 || !json_object_object_get_ex(properties, "Attributes", &pairs))
                return r;

        for (size_t i = 0; i < json_object_array_length(pairs); i++) {
                json_object *pair = json_object_array_get_idx(pairs, i), *attribute = append_object(attributes);

                if (!attribute)
                        return -ENOMEM;
                r = put(attribute, json_object_get_string(json_object_array_get_idx(pair, 0)),
                        json_object_get(json_object_array_get_idx(pair, 1)));
                if (r < 0)
                        return r;
        }
        return 0;
}

int facts_add_definition(const struct entry *entry, struct facts *facts) {
        json_object *definition = append_object(facts->definitions), *properties = entry->definition_properties;
        const char *texts[][2] = {
                { "uuid", entry->uuid },
                { "parent", entry->parent },
                { "type", entry->definition->type },
                { "start", entry->definition->start },
                { "state", entry_state(entry) },
                { "start-state", json_text(properties, "StartState") },
                { "error", json_text(properties, "StartError") },
                { "file", json_text(properties, "File") },
        };
        int r = definition ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(texts); i++)
                r = put_text(definition, texts[i][0], texts[i][1]);
        if (r >= 0)
                r = put(definition, "active", json_object_new_boolean(entry->definition->active));
        return r >= 0 ? put_attributes(definition, properties) : r;
}

static int add_type(json_object *types, const struct listed_type *type) {
        json_object *object = append_object(types);
        const char *texts[][2] = {
                { "type", type->type },
                { "name", type->name },
                { "api", type->device_api },
                { "description", type->description },
        };
        int r = object ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(texts); i++)
                r = put_text(object, texts[i][0], texts[i][1]);
        if (r < 0)
                return r;
        if (type->available == AVAILABLE_INSTANCES_UNKNOWN)
                return put_text(object, "available", "");
        return put(object, "available", json_object_new_int64(type->available));
}

static int add_string(json_object *array, const char *text) {
        json_object *string = json_object_new_string(text);

        if (string && json_object_array_add(array, string) >= 0)
                return 0;
        json_object_put(string);
        return -ENOMEM;
}

int facts_add_parent(struct client *client, const struct listed_parent *parent, struct facts *facts) {
        json_object *object = append_object(facts->parents), *types, *devices;
        const struct lists *lists = &client->lists;
        int r;

        if (!object)
                return -ENOMEM;
        r = lists_types(client, NULL);
        if (r == 0)
                r = lists_devices(client);
        if (r != 0)
                return r;

        r = put_text(object, "parent", parent->name);
        if (r >= 0)
                r = put_text(object, "sysfs-path", parent->syspath);
        if (r >= 0)
                r = put_array(object, "types", &types);
        for (size_t i = 0; r >= 0 && i < lists->types.n; i++)
                if (streq(lists->types.items[i].parent, parent->name))
                        r = add_type(types, &lists->types.items[i]);
        if (r >= 0)
                r = put_array(object, "devices", &devices);
        for (size_t i = 0; r >= 0 && i < lists->devices.n; i++)
                if (streq(lists->devices.items[i].parent, parent->name))
                        r = add_string(devices, lists->devices.items[i].uuid);
        return r;
}

int facts_add_jobs(struct client *client, const char *uuid, struct facts *facts) {
        const struct listed_job_list *jobs = &client->lists.jobs;
        int r;

        r = lists_jobs(client);
        for (size_t i = 0; r == 0 && i < jobs->n; i++) {
                const struct listed_job *job = &jobs->items[i];
                json_object *object;

                if (!streq(job->uuid, uuid))
                        continue;
                object = append_object(facts->jobs);
                r = object ? put(object, "job", json_object_new_uint64(job->id)) : -ENOMEM;
                if (r >= 0)
                        r = put_text(object, "uuid", job->uuid);
                if (r >= 0)
                        r = put_text(object, "kind", job->kind);
                if (r >= 0)
                        r = put_text(object, "state", job->state);
        }
        return r;
}

int facts_print_json(const struct facts *facts) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = json_text_format(facts->root, &text);
        if (r < 0)
                return r;
        put_json(stdout, text, strlen(text));
        putchar('\n');
        return 0;
}
