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
