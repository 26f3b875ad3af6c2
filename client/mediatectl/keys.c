/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keys of mediatectl's JSON. */

#include "client/mediatectl/keys.h"

#include <ctype.h>
#include <json-c/linkhash.h>

#include "client/shared/bus-json.h"

void keys_put_text(json_object **object, const char *key, const char *text) {
        if (!*text && *object && json_object_object_add(*object, key, NULL) >= 0)
                return;
        json_put(object, key, *text ? json_object_new_string(text) : NULL);
}

void keys_put_number(json_object **object, const char *key, const char *text) {
        if (*text && text[strspn(text, "0123456789")] == '\0')
                json_put(object, key, json_object_new_int64(strtoll(text, NULL, 10)));
        else
                keys_put_text(object, key, "");
}

void keys_put_attributes(json_object **object, json_object *pairs) {
        json_object *attributes = json_object_new_array();

        for (size_t i = 0; json_object_is_type(pairs, json_type_array) && i < json_object_array_length(pairs); i++) {
                json_object *pair = json_object_array_get_idx(pairs, i), *attribute;

                /* The daemon of another host may send anything. */
                if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2)
                        continue;
                attribute = json_object_new_object();
                json_put(&attribute, json_object_get_string(json_object_array_get_idx(pair, 0)),
                         json_object_get(json_object_array_get_idx(pair, 1)));
                json_push(&attributes, attribute);
        }
        json_put(object, "attributes", attributes);
}

static void put_types(json_object **object, json_object *properties) {
        json_object *types = json_object_new_array();

        json_object_object_foreach(properties, name, members) {
                json_object *type = json_object_new_object();

                keys_put_text(&type, "type", name);
                keys_put_text(&type, "name", json_text(members, "Name"));
                keys_put_text(&type, "api", json_text(members, "DeviceAPI"));
                keys_put_text(&type, "description", json_text(members, "Description"));
                keys_put_number(&type, "available", json_text(members, "AvailableInstances"));
                json_push(&types, type);
        }
        json_put(object, "types", types);
}

/* Properties whose keys are not just their names in lower case. */
static const struct {
        const char *property, *key;     /* NULL: there is no such key, because another one says it */
} renamed[] = {
        { "Definition", NULL },
        { "Device", NULL },
        { "DeviceNode", "device_node" },
        { "IOMMUGroup", "iommu_group" },
        { "Id", "job" },
        { "Name", "parent" },
        { "Parent", NULL },
        { "ParentName", "parent" },
        { "SetAside", "set_aside" },
        { "StartMode", "start" },
        { "StartState", "start_state" },
        { "SysfsPath", "sysfs_path" },
        { "VFIODeviceNode", "vfio_device_node" },
};

static void put_property(json_object **object, json_object *properties, const char *property, json_object *value) {
        char key[64];

        snprintf(key, sizeof(key), "%s", property);
        for (char *p = key; *p; p++)
                *p = (char) tolower((unsigned char) *p);
        for (size_t i = 0; i < ELEMENTSOF(renamed); i++)
                if (streq(property, renamed[i].property)) {
                        if (!renamed[i].key)
                                return;
                        snprintf(key, sizeof(key), "%s", renamed[i].key);
                }

        if (streq(property, "Error"))
                keys_put_text(object, key, json_error_text(properties));
        else if (streq(property, "Attributes"))
                keys_put_attributes(object, value);
        else if (streq(property, "Types") && json_object_is_type(value, json_type_object))
                put_types(object, value);
        else if (streq(property, "IOMMUGroup"))
                keys_put_number(object, key, json_value_text(value));
        else if (json_object_is_type(value, json_type_string))
                keys_put_text(object, key, json_value_text(value));
        else
                json_put(object, key, json_object_get(value));
}

json_object *keys_from_properties(json_object *properties) {
        json_object *object = json_object_new_object();

        json_object_object_foreach(properties, property, value)
                put_property(&object, properties, property, value);
        return object;
}
