/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Devices and definitions side by side. */

#include "client/mediatectl/entries.h"

#include <assert.h>
#include <errno.h>

#include "client/mediatectl/calls.h"
#include "client/mediatectl/users.h"
#include "client/shared/bus-json.h"

static int compare(const struct listed_device *device, const struct listed_definition *definition) {
        int r;

        if (!device || !definition)
                return device ? -1 : 1;
        r = strcmp(device->parent, definition->parent);
        return r != 0 ? r : strcmp(device->uuid, definition->uuid);
}

int entries_new(struct client *client, struct entries *ret) {
        const struct lists *lists = &client->lists;
        struct entry *items;
        size_t n = 0;
        int r;

        r = lists_devices(client);
        if (r == 0)
                r = lists_definitions(client);
        if (r != 0)
                return r;
        items = calloc(lists->devices.n + lists->definitions.n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;

        /* Both lists are sorted as the result will be. */
        for (size_t i = 0, j = 0; i < lists->devices.n || j < lists->definitions.n; n++) {
                const struct listed_device *device = i < lists->devices.n ? &lists->devices.items[i] : NULL;
                const struct listed_definition *definition =
                        j < lists->definitions.n ? &lists->definitions.items[j] : NULL;
                int order = compare(device, definition);
                struct entry *entry = &items[n];

                if (order <= 0) {
                        *entry = (struct entry) { device->uuid, device->parent, device->type, .device = device };
                        i++;
                }
                if (order >= 0) {
                        if (order > 0)
                                *entry = (struct entry) { definition->uuid, definition->parent, definition->type };
                        entry->definition = definition;
                        j++;
                }
        }

        *ret = (struct entries) { items, n };
        return 0;
}

void entries_clear(struct entries *entries) {
        for (size_t i = 0; i < entries->n; i++) {
                json_object_put(entries->items[i].device_properties);
                json_object_put(entries->items[i].definition_properties);
                json_object_put(entries->items[i].users);
        }
        free(entries->items);
        *entries = (struct entries) {};
}

static int add_get_all(struct calls *calls, const char *path, const char *interface) {
        sd_bus_message *message;
        int r;

        r = sd_bus_message_new_method_call(calls->client->bus, &message, BUS_NAME, path,
                                           "org.freedesktop.DBus.Properties", "GetAll");
        if (r < 0)
                return r;
        r = sd_bus_message_append(message, "s", interface);
        if (r < 0) {
                sd_bus_message_unref(message);
                return r;
        }
        return calls_add(calls, message, NULL);
}

int properties_fetch(struct client *client, const char *const *paths, const char *const *interfaces, size_t n,
                     json_object **ret) {
        _cleanup_calls_ struct calls calls = { .client = client };
        int r;

        for (size_t i = 0; i < n; i++) {
                r = add_get_all(&calls, paths[i], interfaces[i]);
                if (r < 0)
                        return r;
        }
        r = calls_run(&calls, NULL);
        if (r != 0)
                return r;

        for (size_t i = 0; i < n; i++) {
                if (call_error(&calls.items[i]))
                        continue;
                r = bus_json_read(calls.items[i].reply, &ret[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int job_fetch(struct client *client, const struct listed_job *job, json_object **ret) {
        static const char *const interface = BUS_NAME ".Job";

        return properties_fetch(client, &job->path, &interface, 1, ret);
}

/* Whose properties are fetched. */
enum wanted {
        WANTED_STATES,          /* of definitions that are to start and are not active */
        WANTED_PROBLEMS,        /* of all that are not active */
        WANTED_ALL,
};

static bool wants_definition(const struct entry *entry, enum wanted wanted) {
        if (!entry->definition || wanted == WANTED_ALL)
                return entry->definition;
        if (entry->device)
                return false;
        return wanted == WANTED_PROBLEMS || streq(entry->definition->start, "auto");
}

static int fetch(struct client *client, struct entries *entries, enum wanted wanted) {
        _cleanup_free_ const char **paths = calloc(entries->n * 2 + 1, sizeof(*paths));
        _cleanup_free_ const char **interfaces = calloc(entries->n * 2 + 1, sizeof(*interfaces));
        _cleanup_free_ json_object ***places = calloc(entries->n * 2 + 1, sizeof(*places));
        _cleanup_free_ json_object **found = calloc(entries->n * 2 + 1, sizeof(*found));
        size_t n = 0;
        int r;

        if (!paths || !interfaces || !places || !found)
                return -ENOMEM;

        for (size_t i = 0; i < entries->n; i++) {
                struct entry *entry = &entries->items[i];

                if (entry->device && wanted == WANTED_ALL) {
                        paths[n] = entry->device->path;
                        interfaces[n] = BUS_NAME ".Device";
                        places[n++] = &entry->device_properties;
                }
                if (wants_definition(entry, wanted)) {
                        paths[n] = entry->definition->path;
                        interfaces[n] = BUS_NAME ".Definition";
                        places[n++] = &entry->definition_properties;
                }
        }

        r = n > 0 ? properties_fetch(client, paths, interfaces, n, found) : 0;
        for (size_t i = 0; i < n; i++)
                *places[i] = found[i];
        return r;
}

int entries_fetch_states(struct client *client, struct entries *entries) {
        return fetch(client, entries, WANTED_STATES);
}

int entries_fetch_problems(struct client *client, struct entries *entries) {
        return fetch(client, entries, WANTED_PROBLEMS);
}

int entries_fetch_all(struct client *client, struct entries *entries) {
        return fetch(client, entries, WANTED_ALL);
}

int entries_fetch_users(struct client *client, struct entries *entries) {
        _cleanup_free_ const char **paths = calloc(entries->n + 1, sizeof(*paths));
        _cleanup_free_ json_object **users = calloc(entries->n + 1, sizeof(*users));
        size_t n = 0;
        int r;

        if (!paths || !users)
                return -ENOMEM;
        for (size_t i = 0; i < entries->n; i++)
                if (entries->items[i].device)
                        paths[n++] = entries->items[i].device->path;
        r = users_fetch(client, paths, n, users);
        n = 0;
        for (size_t i = 0; i < entries->n; i++)
                if (entries->items[i].device)
                        entries->items[i].users = users[n++];
        return r;
}

const char *entry_state(const struct entry *entry) {
        json_object *properties = entry->definition_properties;
        const char *start_state;

        assert(entry->device || entry->definition);
        if (entry->device)
                return entry->device->state;
        /* The daemon lists an invalid definition without these two. */
        if (!*entry->definition->type && !*entry->definition->start)
                return "invalid";
        if (!properties)
                return "inactive";

        start_state = json_text(properties, "StartState");
        return !*start_state || streq(start_state, "none") ? "inactive" : start_state;
}

int autostart_waits(const char *state, const char *parent, const char *type, char **ret) {
        int r;

        *ret = NULL;
        if (streq(state, "waiting-parent"))
                r = asprintf(ret, "Autostart on %s waits: the parent is not there", parent);
        else if (streq(state, "waiting-type"))
                r = asprintf(ret, "Autostart on %s waits: the parent has no type %s", parent, type);
        else if (streq(state, "waiting-instance"))
                r = asprintf(ret, "Autostart on %s waits: no instance is available of %s", parent, type);
        else
                return 0;
        return r < 0 ? -ENOMEM : 0;
}

static int last_error(json_object *properties, char **ret) {
        const char *error = json_error_text(properties);

        *ret = NULL;
        if (!*error)
                return 0;
        *ret = strdup(error);
        return *ret ? 0 : -ENOMEM;
}

int device_error(const struct entry *entry, char **ret) {
        return last_error(entry->device_properties, ret);
}

int definition_error(const struct entry *entry, char **ret) {
        int r;

        r = autostart_waits(entry_state(entry), entry->parent, entry->type, ret);
        return r < 0 || *ret ? r : last_error(entry->definition_properties, ret);
}
