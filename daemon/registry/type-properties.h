/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The values of one type, as a worker has read them. */

#include <json-c/json.h>
#include <stdint.h>

/** type_property() - one of "name", "device_api", "description"; "" if the driver does not have it. */
const char *type_property(json_object *values, const char *key);

/** type_available_instances() - AVAILABLE_INSTANCES_UNKNOWN if the driver does not tell. */
uint32_t type_available_instances(json_object *values);
