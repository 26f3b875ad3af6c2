/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The changes of a Modify. */

#include "daemon/api/request-changes.h"

#include <errno.h>

#include "daemon/bus/bus-util.h"

/* How many bytes of the name of an unknown change are in an answer. */
#define CHANGE_SHOWN_MAX 64

static int read_type(sd_bus_message *message, const struct uuid_text *uuid, struct definition_changes *ret) {
        struct type_name type;
        int r;

        r = argument_read_type(message, uuid, FAILURE_INVALID_ARGS, NULL, &type);
        if (r != 0)
                return r;

        free(ret->type);
        ret->type = strdup(type.text);
        return ret->type ? 0 : -ENOMEM;
}

static int read_start(sd_bus_message *message, const struct uuid_text *uuid, struct definition_changes *ret) {
        ret->set_start = true;
        return argument_read_start(message, &ret->start);
}

static int read_attributes(sd_bus_message *message, const struct uuid_text *uuid, struct definition_changes *ret) {
        attributes_clear(&ret->attributes);
        ret->set_attributes = true;
        return argument_read_attributes(message, uuid, &ret->attributes);
}

static int add(sd_bus_message *message, const struct uuid_text *uuid, bool adds, int index, const char *name,
               const char *value, struct definition_changes *ret) {
        const char *reason;
        int r;

        if (index < -1)
                return bus_fail(message, FAILURE_INVALID_ARGS,
                                "Device %s: %d is no index of an attribute; they count from 0, -1 is the end",
                                uuid->text, index);
        if (adds && (attribute_name_check(name, &reason) < 0 || attribute_value_check(value, &reason) < 0))
                return bus_fail(message, FAILURE_INVALID_ATTRIBUTE, "Device %s: attribute '%.*s' is refused: it %s",
                                uuid->text, SHORTENED(name, ATTRIBUTE_SHOWN_MAX), reason);
        r = definition_changes_add(ret, adds, index, name, value);
        if (r == -E2BIG)
                return bus_fail(message, FAILURE_LIMITS_EXCEEDED, "Device %s: more than %d changes of attributes",
                                uuid->text, ATTRIBUTES_MAX);
        return r;
}

static int read_add_attributes(sd_bus_message *message, const struct uuid_text *uuid, struct definition_changes *ret) {
        const char *name, *value;
        int index, r;

        r = sd_bus_message_enter_container(message, 'a', "(iss)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(message, "(iss)", &index, &name, &value)) > 0) {
                r = add(message, uuid, true, index, name, value, ret);
                if (r != 0)
                        return r;
        }
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(message);
        return r < 0 ? r : 0;
}

static int read_remove_attributes(sd_bus_message *message, const struct uuid_text *uuid,
                                  struct definition_changes *ret) {
        int index, r;

        r = sd_bus_message_enter_container(message, 'a', "i");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(message, "i", &index)) > 0) {
                r = add(message, uuid, false, index, NULL, NULL, ret);
                if (r != 0)
                        return r;
        }
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(message);
        return r < 0 ? r : 0;
}

static const struct change {
        const char *name;
        const char *type;
        int (*read)(sd_bus_message *message, const struct uuid_text *uuid, struct definition_changes *ret);
} table[] = {
        { "type", "s", read_type },
        { "start", "s", read_start },
        { "attributes", "a(ss)", read_attributes },
        { "add-attributes", "a(iss)", read_add_attributes },
        { "remove-attributes", "ai", read_remove_attributes },
};

static const struct change *find_change(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (streq(table[i].name, name))
                        return table + i;

        return NULL;
}

static int read_one(sd_bus_message *message, const struct uuid_text *uuid, struct definition_changes *ret) {
        const struct change *change;
        const char *name;
        int r;

        r = sd_bus_message_read(message, "s", &name);
        if (r < 0)
                return r;
        change = find_change(name);
        if (!change)
                return bus_fail(message, FAILURE_INVALID_ARGS, "%s has no change '%.*s'",
                                sd_bus_message_get_member(message), SHORTENED(name, CHANGE_SHOWN_MAX));

        r = sd_bus_message_enter_container(message, 'v', change->type);
        if (r == -ENXIO)
                return bus_fail(message, FAILURE_INVALID_ARGS, "Change '%s' must be of type '%s'", name, change->type);
        if (r < 0)
                return r;
        r = change->read(message, uuid, ret);
        if (r != 0)
                return r;
        r = sd_bus_message_exit_container(message);
        return r < 0 ? r : 0;
}

int changes_read(sd_bus_message *message, const struct uuid_text *uuid, struct definition_changes *ret) {
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = read_one(message, uuid, ret);
                if (r != 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(message);
        return r < 0 ? r : 0;
}
