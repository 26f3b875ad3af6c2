/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which names may become part of a path. The checks are lexical. */

#include "common/macro.h"

/* The size of the longest component: NAME_MAX of every file system that matters here. */
#define NAME_COMPONENT_SIZE_MAX 255

/** name_component_check() - check one component of a path, @size bytes at @name: not empty, not "." or "..", no
 * slash, no control character, valid UTF-8, not over NAME_COMPONENT_SIZE_MAX. Returns 0, or -EINVAL and a static
 * text that says why, as a sentence without a subject: "is empty". */
int name_component_check(const char *name, size_t size, const char **ret_reason);

/** type_name_check() - check the name of a type, which is a directory in mdev_supported_types. Returns the same as
 * name_component_check(). */
int type_name_check(const char *name, const char **ret_reason);

/** parent_name_check() - check the name of a parent, which is also the name of a directory in the store of definitions.
 * Besides what name_component_check() refuses, it refuses hidden names, and "scripts.d", where mdevctl keeps its
 * callouts. */
int parent_name_check(const char *name, const char **ret_reason);
