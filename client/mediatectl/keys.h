/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The keys of mediatectl's JSON, which are the same in all verbs. They are documented in mediatectl(1) and in
 * docs/mediatectl.schema.json, and do not change. */

#include <json-c/json_object.h>

#include "common/macro.h"

/** keys_put_text() - add a text to an object. What is not known is empty, and becomes null. Like json_put() the
 * functions of this file make NULL of *object when memory is short. */
void keys_put_text(json_object **object, const char *key, const char *text);

/** keys_put_number() - add a number that the daemon gives as text; null: it is none. */
void keys_put_number(json_object **object, const char *key, const char *text);

/** keys_put_attributes() - add a list of pairs of name and value as a list of objects with one member each, because
 * their order matters, and a name may occur several times. NULL: an empty list. */
void keys_put_attributes(json_object **object, json_object *pairs);

/** keys_from_properties() - an object with the properties of an object of the bus under their keys here. Returns NULL
 * when memory is short. */
json_object *keys_from_properties(json_object *properties);
