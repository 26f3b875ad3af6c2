/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UUIDs and parents as a person writes them. */

#include "client/mediatectl/client.h"
#include "common/uuid.h"

/* Where the UUID is searched of which there is only a beginning. */
enum known {
        KNOWN_DEVICES = 1 << 0,
        KNOWN_DEFINITIONS = 1 << 1,
};

/** resolve_uuid() - find the UUID that @text means. A whole one need not be known. A beginning must be that of one UUID
 * only: first of those in @prefer, then of all. A message says what may have been meant. Returns a status. */
int resolve_uuid(struct client *client, const char *text, enum known prefer, char ret[static UUID_TEXT_SIZE]);

/** resolve_suggest() - print a UUID that is similar to @uuid, which was not found; or nothing. */
void resolve_suggest(struct client *client, const char *uuid);

/** resolve_new_parent() - check that the parent @name of a new definition is not the beginning of a known UUID, which a
 * person may have meant instead. The parent need not be there. Returns a status. */
int resolve_new_parent(struct client *client, const char *name);

/** resolve_parent() - check that there is a parent of that name. If not, the message names a similar one. Returns a
 * status. */
int resolve_parent(struct client *client, const char *name);
