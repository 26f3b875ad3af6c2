/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UUIDs as text. They are accepted in any case; everywhere else they are in lower case with dashes. */

#include <stdbool.h>

#define UUID_TEXT_SIZE 37

/** uuid_normalize() - check @text and write its lower-case form. Any syntactically valid UUID is accepted, made-up
 * ones too (they are in use, see Proxmox). Returns 0 or -EINVAL. */
int uuid_normalize(const char *text, char ret[static UUID_TEXT_SIZE]);

/** uuid_is_normal() - whether @text is a UUID in the form that uuid_normalize() gives. */
bool uuid_is_normal(const char *text);

/** uuid_random() - a new random UUID (RFC 4122, version 4). */
void uuid_random(char ret[static UUID_TEXT_SIZE]);

/** uuid_of_name() - the UUID of that name (RFC 4122, version 5), in a name space of this project. */
void uuid_of_name(const char *name, char ret[static UUID_TEXT_SIZE]);
