/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Arguments of method calls: read, checked, refused. */

#include "daemon/api/arguments.h"

#include <assert.h>
#include <errno.h>

#include "common/attribute-bus.h"
#include "daemon/bus/bus-util.h"

/* How many bytes of a caller's own text are in an answer. */
#define UUID_SHOWN_MAX 64
#define START_SHOWN_MAX 64

int uuid_text_set(struct uuid_text *ret, const char *text) {
        if (!uuid_is_normal(text))
                return -EINVAL;

        strcpy(ret->text, text);
        return 0;
}

int parent_name_set(struct parent_name *ret, const char *text) {
        const char *reason;

        if (parent_name_check(text, &reason) < 0)
                return -EINVAL;

        strcpy(ret->text, text);
        return 0;
}

static int take_uuid(sd_bus_message *message, const char *text, struct uuid_text *ret) {
        if (uuid_normalize(text, ret->text) >= 0)
                return 0;
        return bus_fail(message, FAILURE_INVALID_ARGS,
                        "'%.*s' is not a UUID; it should look like 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
                        SHORTENED(text, UUID_SHOWN_MAX));
}

int argument_read_uuid(sd_bus_message *message, struct uuid_text *ret) {
        const char *text;
        int r;

        r = sd_bus_message_read(message, "s", &text);
        return r < 0 ? r : take_uuid(message, text, ret);
}

int argument_read_new_uuid(sd_bus_message *message, struct uuid_text *ret, bool *ret_random) {
        const char *text;
        int r;

        r = sd_bus_message_read(message, "s", &text);
        if (r < 0)
                return r;
        *ret_random = !*text;
        if (*text)
                return take_uuid(message, text, ret);

        uuid_random(ret->text);
        return 0;
}

static int refuse_parent(sd_bus_message *message, const struct uuid_text *uuid, enum failure_code code,
                         const char *text, const char *reason) {
        assert(uuid || code == FAILURE_NO_SUCH_PARENT);

        if (code == FAILURE_INVALID_ARGS)
                return bus_fail(message, code, "Device %s: '%.*s' cannot be the name of a parent: it %s", uuid->text,
                                SHORTENED(text, NAME_COMPONENT_SIZE_MAX), reason);
        if (code == FAILURE_NOT_DEFINED)
                return bus_fail(message, code,
                                "Device %s is not defined for parent '%.*s', which can be no parent's name: it %s",
                                uuid->text, SHORTENED(text, NAME_COMPONENT_SIZE_MAX), reason);
        if (uuid)
                return bus_fail(message, code, "Cannot create device %s: there is no parent '%.*s'; such a name %s",
                                uuid->text, SHORTENED(text, NAME_COMPONENT_SIZE_MAX), reason);
        return bus_fail(message, code, "There is no parent '%.*s'; such a name %s",
                        SHORTENED(text, NAME_COMPONENT_SIZE_MAX), reason);
}

static int read_parent(sd_bus_message *message, const struct uuid_text *uuid, enum failure_code code, bool optional,
                       struct parent_name *ret) {
        const char *text, *reason;
        int r;

        r = sd_bus_message_read(message, "s", &text);
        if (r < 0)
                return r;
        if ((!optional || *text) && parent_name_check(text, &reason) < 0)
                return refuse_parent(message, uuid, code, text, reason);

        strcpy(ret->text, text);
        return 0;
}

int argument_read_parent(sd_bus_message *message, const struct uuid_text *uuid, enum failure_code code,
                         struct parent_name *ret) {
        return read_parent(message, uuid, code, false, ret);
}

int argument_read_optional_parent(sd_bus_message *message, const struct uuid_text *uuid, enum failure_code code,
                                  struct parent_name *ret) {
        return read_parent(message, uuid, code, true, ret);
}

static int read_type(sd_bus_message *message, const struct uuid_text *uuid, enum failure_code code,
                     const struct parent_name *parent, bool optional, struct type_name *ret) {
        const char *text, *reason;
        int r;

        r = sd_bus_message_read(message, "s", &text);
        if (r < 0)
                return r;
        if ((optional && !*text) || type_name_check(text, &reason) >= 0) {
                strcpy(ret->text, text);
                return 0;
        }

        assert(parent || code == FAILURE_INVALID_ARGS);
        if (code == FAILURE_NO_SUCH_TYPE)
                return bus_fail(message, code,
                                "Cannot create device %s: parent '%s' has no type '%.*s'; such a name %s", uuid->text,
                                parent->text, SHORTENED(text, NAME_COMPONENT_SIZE_MAX), reason);
        return bus_fail(message, code, "Device %s: '%.*s' cannot be the name of a type: it %s", uuid->text,
                        SHORTENED(text, NAME_COMPONENT_SIZE_MAX), reason);
}

int argument_read_type(sd_bus_message *message, const struct uuid_text *uuid, enum failure_code code,
                       const struct parent_name *parent, struct type_name *ret) {
        return read_type(message, uuid, code, parent, false, ret);
}

int argument_read_optional_type(sd_bus_message *message, const struct uuid_text *uuid, struct type_name *ret) {
        return read_type(message, uuid, FAILURE_INVALID_ARGS, NULL, true, ret);
}

int argument_read_start(sd_bus_message *message, enum start_mode *ret) {
        enum start_mode mode;
        const char *text;
        int r;

        r = sd_bus_message_read(message, "s", &text);
        if (r < 0)
                return r;
        mode = start_mode_from_string(text);
        if (mode < 0)
                return bus_fail(message, FAILURE_INVALID_ARGS, "Start is 'auto' or 'manual', not '%.*s'",
                                SHORTENED(text, START_SHOWN_MAX));

        *ret = mode;
        return 0;
}

int argument_read_attributes(sd_bus_message *message, const struct uuid_text *uuid, struct attributes *ret) {
        char reason[ATTRIBUTES_CHECK_MESSAGE_SIZE];
        size_t bad;
        int r;

        r = attributes_read_from_message(message, ret);
        if (r == -E2BIG)
                return bus_fail(message, FAILURE_LIMITS_EXCEEDED, "Device %s: more than %d attributes", uuid->text,
                                ATTRIBUTES_MAX);
        if (r < 0)
                return r;

        if (attributes_check(ret, &bad, reason) < 0)
                return bus_fail(message, FAILURE_INVALID_ATTRIBUTE, "Device %s: attribute '%.*s' is refused: %s",
                                uuid->text, SHORTENED(ret->items[bad].name, ATTRIBUTE_SHOWN_MAX), reason);
        return 0;
}

int argument_read_set_aside(sd_bus_message *message, bool *ret) {
        int r, value;

        r = sd_bus_message_read(message, "b", &value);
        if (r < 0)
                return r;
        *ret = value;
        return 0;
}

int argument_read_job(sd_bus_message *message, uint64_t *ret) {
        int r;

        r = sd_bus_message_read(message, "t", ret);
        return r < 0 ? r : 0;
}
