/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What callers send, checked.
 *
 * Here, in request-options.h and in request-changes.h is the only code that reads the texts of a method call. Each
 * function takes the next argument off the message and gives a value that is right by its form, or answers the message.
 * Whatever comes after it gets the types below, and never the caller's own text.
 *
 * A name that is right by its form may still be the name of nothing, or of what its caller should not have looked at.
 * So no such name is looked up in a file system: it is compared with the names that a directory has (parent_look_for(),
 * device_look_for(), store_refresh()).
 *
 * All functions that take a message return 0; 1 when the message was answered with an error; or a negative errno. */

#include <systemd/sd-bus.h>

#include "common/attribute.h"
#include "common/definition.h"
#include "common/failure.h"
#include "common/name.h"
#include "common/uuid.h"

/* Empty where an argument may be, and is. */

struct uuid_text {
        char text[UUID_TEXT_SIZE];                      /* in normal form */
};

struct parent_name {
        char text[NAME_COMPONENT_SIZE_MAX + 1];
};

struct type_name {
        char text[NAME_COMPONENT_SIZE_MAX + 1];
};

/* Bytes of an attribute's refused name in an answer. */
#define ATTRIBUTE_SHOWN_MAX 256

/** uuid_text_set(), parent_name_set() - from what the daemon has seen itself: the name of a file, a device's parent.
 * Returns 0, or -EINVAL when it has not the form. */
int uuid_text_set(struct uuid_text *ret, const char *text);
int parent_name_set(struct parent_name *ret, const char *text);

/** argument_read_uuid() - a UUID in any case. InvalidArgs. */
int argument_read_uuid(sd_bus_message *message, struct uuid_text *ret);

/** argument_read_new_uuid() - the same; a random one where it is empty. */
int argument_read_new_uuid(sd_bus_message *message, struct uuid_text *ret, bool *ret_random);

/** argument_read_parent() - the parent of @uuid, or with NULL just a parent. @code is the error for a name that no
 * parent can have: NoSuchParent, NotDefined or InvalidArgs. */
int argument_read_parent(sd_bus_message *message, const struct uuid_text *uuid, enum failure_code code,
                         struct parent_name *ret);

/** argument_read_optional_parent() - the same, or empty. */
int argument_read_optional_parent(sd_bus_message *message, const struct uuid_text *uuid, enum failure_code code,
                                  struct parent_name *ret);

/** argument_read_type() - the type of @uuid. @code is the error for a name that no type can have: NoSuchType, which
 * names @parent as well, or InvalidArgs, which does not. */
int argument_read_type(sd_bus_message *message, const struct uuid_text *uuid, enum failure_code code,
                       const struct parent_name *parent, struct type_name *ret);

/** argument_read_optional_type() - the same with InvalidArgs, or empty. */
int argument_read_optional_type(sd_bus_message *message, const struct uuid_text *uuid, struct type_name *ret);

/** argument_read_start() - a start mode. InvalidArgs. */
int argument_read_start(sd_bus_message *message, enum start_mode *ret);

/** argument_read_attributes() - an a(ss). InvalidAttribute, LimitsExceeded. */
int argument_read_attributes(sd_bus_message *message, const struct uuid_text *uuid, struct attributes *ret);

/** argument_read_job() - the number of a job; any is one. */
int argument_read_job(sd_bus_message *message, uint64_t *ret);
