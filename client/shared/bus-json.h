/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values of D-Bus messages as JSON. */

#include <json-c/json_object.h>
#include <systemd/sd-bus.h>

#include "common/json-text.h"

/** bus_json_read() - read the next value of a message. A dictionary becomes an object, an array or a struct becomes an
 * array, and a variant becomes what it contains. Returns 0, -ENXIO at the end, -EOPNOTSUPP for a type that the
 * interface does not have, or another negative errno. */
int bus_json_read(sd_bus_message *message, json_object **ret);

/** json_text() - the member @key of an object as text; "" if it has none, or @object is NULL. */
const char *json_text(json_object *object, const char *key);

/** json_error_text() - the sentence in the property Error, which is a pair of a name and a sentence; "" if it has
 * none. */
const char *json_error_text(json_object *properties);

/** json_value_text() - a string, number or truth value as text, never NULL. */
const char *json_value_text(json_object *value);
