/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON as mdevctl prints it. */

#include <json-c/json_object.h>
#include <stdio.h>

#include "common/json-text.h"

/** mdevctl_json_print() - print an object with @indent spaces before each line but the first, and no newline at
 * the end. Returns 0 or -ENOMEM. */
int mdevctl_json_print(FILE *stream, json_object *object, unsigned int indent);

/** mdevctl_json_print_string() - print a string with its quotes. Returns 0 or -ENOMEM. */
int mdevctl_json_print_string(FILE *stream, const char *text);

/** mdevctl_json_add() - add a value to an object, or with @key NULL to a list, and take it over, also when that
 * fails. Returns 0 or -ENOMEM. */
int mdevctl_json_add(json_object *container, const char *key, json_object *value);
