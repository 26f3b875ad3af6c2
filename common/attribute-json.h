/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Attributes between daemon and worker: a list of [name, value]. */

#include <json-c/json_object.h>

#include "common/attribute.h"

json_object *attributes_to_json(const struct attributes *attributes);

/** attributes_from_json() - append what @list holds. Returns 0, -EBADMSG, -E2BIG or -ENOMEM. */
int attributes_from_json(json_object *list, struct attributes *ret);
