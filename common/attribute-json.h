/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Attributes on their way between daemon and worker: a JSON list of [name, value]. */

#include <json-c/json_object.h>

#include "common/attribute.h"

json_object *attributes_to_json(const struct attributes *attributes);

/** attributes_from_json() - append the attributes in @list to @ret. Returns 0, -EBADMSG when it is not such a list,
 * -E2BIG beyond ATTRIBUTES_MAX, or -ENOMEM. On an error, some of them may be in @ret. */
int attributes_from_json(json_object *list, struct attributes *ret);
