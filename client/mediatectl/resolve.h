/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From what a person writes to UUIDs. */

#include "client/mediatectl/client.h"
#include "common/uuid.h"

/* Where to look for UUIDs that are cut down. */
enum known {
        KNOWN_DEVICES = 1 << 0,
        KNOWN_DEFINITIONS = 1 << 1,
};

/** resolve_uuid() - @text as a normal UUID: a whole one as it is, known or not, or a unique beginning of one. Looks
 * among @prefer first. Tells what is wrong, and what may have been meant. Returns a status. */
int resolve_uuid(struct client *client, const char *text, enum known prefer, char ret[static UUID_TEXT_SIZE]);

/** resolve_suggest() - @uuid was not found: tell a similar one, if there is one. */
void resolve_suggest(struct client *client, const char *uuid);

/** resolve_parent() - whether there is a parent of that name; tells a similar one if not. Returns a status. */
int resolve_parent(struct client *client, const char *name);
