/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What callers send, checked.
 *
 * daemon/api/ is the D-Bus interface org.mediated1: a table of methods and properties for each kind of object
 * (*-bus.c), the requests that become jobs (request-*.c), and the questions that wait for a worker (*-query.c). It owns
 * the questions that are under way, and nothing else. Nothing below it knows it: a request becomes a job, and the job
 * answers the call. It is given all objects of the daemon in one struct (manager.h), since a method may need any of
 * them.
 *
 * This file, request-options.h and request-changes.h are the only ones that read the texts of a method call. Each
 * function reads the next argument of the message. It gives a value that is right by its form, or answers the message
 * with an error. All that comes after it gets the types below, and never the caller's own text.
 *
 * A name that is right by its form may still be the name of nothing, or of something that the caller must not have
 * looked up. So no such name is looked up in a file system. It is compared with the names that a directory has
 * (parent_look_for(), device_look_for(), store_refresh()).
 *
 * All functions that take a message return 0; 1 when the message was answered with an error; or a negative errno. */

#include <systemd/sd-bus.h>

#include "common/attribute.h"
#include "common/definition.h"
#include "common/failure.h"
#include "common/name.h"
#include "common/uuid.h"

/* A text is empty if the argument is optional and was not given. */

struct uuid_text {
        char text[UUID_TEXT_SIZE];      /* a UUID in normal form */
};

struct parent_name {
        char text[NAME_COMPONENT_SIZE_MAX + 1];
};

struct type_name {
        char text[NAME_COMPONENT_SIZE_MAX + 1];
};

/* How many bytes of the name of a refused attribute are in an answer. */
#define ATTRIBUTE_SHOWN_MAX 256

/** uuid_text_set(), parent_name_set() - take a text over that the daemon has seen itself, such as the name of a file or
 * of a device's parent. Returns 0, or -EINVAL if its form is wrong. */
int uuid_text_set(struct uuid_text *ret, const char *text);
int parent_name_set(struct parent_name *ret, const char *text);

/** argument_read_uuid() - read a UUID, in upper or lower case. The error is InvalidArgs. */
int argument_read_uuid(sd_bus_message *message, struct uuid_text *ret);

/** argument_read_new_uuid() - the same. If the argument is empty, it is a random UUID, and *ret_random is true. */
int argument_read_new_uuid(sd_bus_message *message, struct uuid_text *ret, bool *ret_random);

/** argument_read_parent() - read the name of a parent. @uuid: the device that it is the parent of, for the text of the
 * error, or NULL. @code: the error for a name that no parent can have, which is NoSuchParent, NotDefined or
 * InvalidArgs. */
int argument_read_parent(sd_bus_message *message, const struct uuid_text *uuid, enum failure_code code,
                         struct parent_name *ret);

/** argument_read_optional_parent() - the same, but the argument may be empty. */
int argument_read_optional_parent(sd_bus_message *message, const struct uuid_text *uuid, enum failure_code code,
                                  struct parent_name *ret);

/** argument_read_type() - read the name of the type of the device @uuid. @code: the error for a name that no type can
 * have, which is NoSuchType or InvalidArgs. @parent is named in the text of the former, and may be NULL for the
 * latter. */
int argument_read_type(sd_bus_message *message, const struct uuid_text *uuid, enum failure_code code,
                       const struct parent_name *parent, struct type_name *ret);

/** argument_read_optional_type() - the same with InvalidArgs, but the argument may be empty. */
int argument_read_optional_type(sd_bus_message *message, const struct uuid_text *uuid, struct type_name *ret);

/** argument_read_start() - read a start mode. The error is InvalidArgs. */
int argument_read_start(sd_bus_message *message, enum start_mode *ret);

/** argument_read_attributes() - read attributes, an a(ss), and append them to @ret. The errors are InvalidAttribute and
 * LimitsExceeded. */
int argument_read_attributes(sd_bus_message *message, const struct uuid_text *uuid, struct attributes *ret);

/** argument_read_set_aside() - read whether a parent is to be set aside. */
int argument_read_set_aside(sd_bus_message *message, bool *ret);

/** argument_read_job() - read the number of a job. There may be no such job. */
int argument_read_job(sd_bus_message *message, uint64_t *ret);
