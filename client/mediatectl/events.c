/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's signals, as events. */

#include "client/mediatectl/events.h"

#include <assert.h>
#include <errno.h>
#include <json-c/linkhash.h>

#include "client/mediatectl/client.h"
#include "client/mediatectl/keys.h"
#include "client/shared/bus-json.h"
#include "common/utf8.h"

void event_clear(struct event *event) {
        free(event->subject);
        free(event->parent);
        json_object_put(event->properties);
        *event = (struct event) {};
}

int event_from_path(const char *path, struct event *ret) {
        static const char *const objects[] = { "parent", "device", "job" };
        char *subject, *parent;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(objects); i++) {
                char prefix[64];

                snprintf(prefix, sizeof(prefix), BUS_ROOT "/%s", objects[i]);
                r = sd_bus_path_decode(path, prefix, &subject);
                if (r < 0)
                        return r;
                if (r > 0) {
                        *ret = (struct event) { .object = objects[i], .subject = subject };
                        return 1;
                }
        }

        r = sd_bus_path_decode_many(path, BUS_ROOT "/definition/%/%", &parent, &subject);
        if (r > 0)
                *ret = (struct event) { .object = "definition", .subject = subject, .parent = parent };
        return r;
}

/* {INTERFACE: {PROPERTY: VALUE}}, of which one interface is ours. */
static json_object *find_properties(json_object *interfaces) {
        json_object_object_foreach(interfaces, name, properties)
                if (strncmp(name, BUS_NAME ".", strlen(BUS_NAME) + 1) == 0)
                        return json_object_get(properties);
        return NULL;
}

/* Reads which object has come or gone. Jobs are left out: for them there are JobNew and JobRemoved, which also carry
 * the result. Returns 1, 0 or a negative errno. */
static int read_object(sd_bus_message *signal, struct event *ret) {
        const char *path;
        int r;

        r = sd_bus_message_read(signal, "o", &path);
        if (r >= 0)
                r = event_from_path(path, ret);
        return r > 0 && streq(ret->object, "job") ? 0 : r;
}

static int read_added(sd_bus_message *signal, struct event *ret) {
        _cleanup_json_ json_object *interfaces = NULL;
        int r;

        r = read_object(signal, ret);
        if (r <= 0)
                return r;
        r = bus_json_read(signal, &interfaces);
        if (r < 0)
                return r;
        ret->properties = find_properties(interfaces);
        strcpy(ret->event, "added");
        return 1;
}

static int read_removed(sd_bus_message *signal, struct event *ret) {
        int r;

        r = read_object(signal, ret);
        if (r <= 0)
                return r;
        strcpy(ret->event, "removed");
        return 1;
}

static int read_changed(sd_bus_message *signal, struct event *ret) {
        const char *interface;
        int r;

        r = event_from_path(sd_bus_message_get_path(signal), ret);
        if (r <= 0)
                return r;
        r = sd_bus_message_read(signal, "s", &interface);
        if (r >= 0)
                r = bus_json_read(signal, &ret->properties);
        if (r < 0)
                return r;
        strcpy(ret->event, "changed");
        return 1;
}

static json_object *new_error(const char *error, const char *message) {
        json_object *pair = json_object_new_array();

        json_push(&pair, json_object_new_string(error));
        json_push(&pair, json_object_new_string(message));
        return pair;
}

/* JobNew has no result. */
static int read_job(sd_bus_message *signal, bool new, struct event *ret) {
        const char *uuid, *kind, *result = "new", *error = "", *message = "";
        char number[24];
        uint64_t id;
        int r;

        r = sd_bus_message_read(signal, "tss", &id, &uuid, &kind);
        if (r >= 0 && !new)
                r = sd_bus_message_read(signal, "soss", &result, NULL, &error, &message);
        if (r < 0)
                return r;

        snprintf(number, sizeof(number), "%llu", (unsigned long long) id);
        *ret = (struct event) { .object = "job", .subject = strdup(number), .properties = json_object_new_object() };
        json_put(&ret->properties, "Kind", json_object_new_string(kind));
        json_put(&ret->properties, "UUID", json_object_new_string(uuid));
        if (*error)
                json_put(&ret->properties, "Error", new_error(error, message));
        if (!ret->subject || !ret->properties)
                return -ENOMEM;
        snprintf(ret->event, sizeof(ret->event), "%s", result);
        return 1;
}

static int read_owner(sd_bus_message *signal, struct event *ret) {
        const char *name, *old, *new;
        int r;

        r = sd_bus_message_read(signal, "sss", &name, &old, &new);
        if (r < 0 || !streq(name, BUS_NAME))
                return r < 0 ? r : 0;

        *ret = (struct event) { .object = "daemon", .subject = strdup("mediated") };
        strcpy(ret->event, *new ? "started" : "ended");
        return ret->subject ? 1 : -ENOMEM;
}

int event_read(sd_bus_message *signal, struct event *ret) {
        static const char object_manager[] = "org.freedesktop.DBus.ObjectManager";

        *ret = (struct event) {};
        if (sd_bus_message_is_signal(signal, object_manager, "InterfacesAdded"))
                return read_added(signal, ret);
        if (sd_bus_message_is_signal(signal, object_manager, "InterfacesRemoved"))
                return read_removed(signal, ret);
        if (sd_bus_message_is_signal(signal, "org.freedesktop.DBus.Properties", "PropertiesChanged"))
                return read_changed(signal, ret);
        if (sd_bus_message_is_signal(signal, BUS_MANAGER, "JobNew"))
                return read_job(signal, true, ret);
        if (sd_bus_message_is_signal(signal, BUS_MANAGER, "JobRemoved"))
                return read_job(signal, false, ret);
        if (sd_bus_message_is_signal(signal, "org.freedesktop.DBus", "NameOwnerChanged"))
                return read_owner(signal, ret);
        return 0;
}

/* The properties that people see, in this order, and what stands before their values. */
static const struct {
        const char *key, *label;
} shown[] = {
        {"Version", ""},       {"Kind", ""},         {"UUID", ""},
        {"ParentName", "on "}, {"Type", ""},         {"State", ""},
        {"StartMode", ""},     {"Active", "active"}, {"StartState", "autostart "},
        {"Error", ""},         {"Attributes", ""},   {"Defined", "defined"},
        {"SysfsPath", ""},
};

static void format_types(json_object *types, FILE *file) {
        const char *separator = ": ";

        json_object_object_foreach(types, type, properties) {
                const char *available = json_text(properties, "AvailableInstances");

                fprintf(file, "%s%s %s", separator, type, *available ? available : "?");
                separator = ", ";
        }
}

static void format_value(json_object *properties, const char *key, const char *label, json_object *value,
                         FILE *file) {
        if (streq(key, "Error"))
                fprintf(file, "%s%s", *json_error_text(properties) ? ", " : "", json_error_text(properties));
        else if (json_object_is_type(value, json_type_array))
                fprintf(file, ", attributes: %zu", json_object_array_length(value));
        else if (json_object_is_type(value, json_type_boolean))
                fprintf(file, ", %s%s", json_object_get_boolean(value) ? "" : "not ", label);
        else if (*json_value_text(value) &&
                 !(streq(key, "StartState") && streq(json_value_text(value), "none")))
                fprintf(file, ", %s%s", label, json_value_text(value));
}

/* Whether the line says it already: the subject is the UUID or the parent, except that of a job. */
static bool is_redundant(const struct event *event, const char *key) {
        if (streq(event->object, "job"))
                return false;
        return streq(key, "UUID") || (streq(event->object, "definition") && streq(key, "ParentName")) ||
               (streq(event->object, "device") && streq(key, "SysfsPath")) ||
               (streq(event->event, "added") &&
                (streq(key, "Active") || streq(key, "Defined") || streq(key, "Attributes")));
}

static void format_properties(const struct event *event, FILE *file) {
        json_object *value;

        for (size_t i = 0; i < ELEMENTSOF(shown); i++)
                if (json_object_object_get_ex(event->properties, shown[i].key, &value) && value &&
                    !is_redundant(event, shown[i].key))
                        format_value(event->properties, shown[i].key, shown[i].label, value, file);
        if (streq(event->event, "changed") && json_object_object_get_ex(event->properties, "Types", &value))
                format_types(value, file);
}

int event_format(const struct event *event, char **ret) {
        _cleanup_free_ char *line = NULL;
        FILE *file;
        size_t size;

        assert(event->object && event->subject);
        file = open_memstream(&line, &size);
        if (!file)
                return -ENOMEM;
        fprintf(file, "%-10s %s", event->object, event->subject);
        if (event->parent)
                fprintf(file, " on %s", event->parent);
        fprintf(file, " %s", event->event);
        if (event->properties)
                format_properties(event, file);
        /* fclose() fails when memory is too short for the end of the text. The stream is closed even then. */
        if (fclose(file) == EOF || !line)
                return -ENOMEM;

        /* A driver's text must not make two lines of it. */
        utf8_make_line(line);
        *ret = TAKE_PTR(line);
        return 0;
}

int event_to_json(const struct event *event, json_object **ret) {
        json_object *object = json_object_new_object();

        assert(event->object && event->subject);
        json_put(&object, "object", json_object_new_string(event->object));
        json_put(&object, "subject", json_object_new_string(event->subject));
        if (event->parent)
                json_put(&object, "parent", json_object_new_string(event->parent));
        json_put(&object, "event", json_object_new_string(event->event));
        if (event->properties)
                json_put(&object, "properties", keys_from_properties(event->properties));
        if (!object)
                return -ENOMEM;

        *ret = object;
        return 0;
}
