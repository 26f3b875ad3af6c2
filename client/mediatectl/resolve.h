/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UUIDs and parents as a person writes them. */

#include "client/mediatectl/client.h"
#include "common/uuid.h"

/* Where the UUID is searched of which there is only a beginning. */
enum known {
        KNOWN_DEVICES = 1 << 0,
        KNOWN_DEFINITIONS = 1 << 1,
        KNOWN_OR_NEW = 1 << 2,          /* a new UUID is expected as well; for the messages */
};

/** resolve_uuid() - find the UUID that @text means. A whole one need not be known. A beginning must be that of one UUID
 * only: first of those in @prefer, then of all. A message says what may have been meant. Returns a status. */
int resolve_uuid(struct client *client, const char *text, enum known prefer, char ret[static UUID_TEXT_SIZE]);

/** resolve_suggest() - print a UUID that is similar to @uuid, which was not found; or nothing. */
void resolve_suggest(struct client *client, const char *uuid);

/** resolve_new_parent() - check that the parent @name of a new definition is not the beginning of a known UUID, which a
 * person may have meant instead. The parent need not be there. Returns a status. */
int resolve_new_parent(struct client *client, const char *name);

/** resolve_short_parent() - put the whole name in place of a PCI address without its domain, as lspci(8) prints it, if
 * a parent, a card or a definition's parent has this address in the domain 0000. Other names stay. Returns a status. */
int resolve_short_parent(struct client *client, const char **name);

/** resolve_parent() - find the parent or the card that @text means: its name, or what resolve_short_parent() knows. If
 * there is none, the message names others. Returns a status. */
int resolve_parent(struct client *client, const char *text, const char **ret);
