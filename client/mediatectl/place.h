/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The place of a device or a definition, which is a parent and a type: what to tell when this host does not have it. */

#include "client/mediatectl/client.h"
#include "common/attribute.h"

/** place_has_type() - whether @parent, which may be a card, has this type, among those that lists_types() has fetched;
 * NULL: whether any parent has it. */
bool place_has_type(const struct lists *lists, const char *parent, const char *type);

/** place_types() - say which types @parent has, among those that were fetched: "it has A, B". The caller frees the
 * text. Returns NULL when there is no memory. */
char *place_types(const struct lists *lists, const char *parent);

/** place_set_aside() - the functions of a card that are set aside, as "A, B and 3 more"; empty: none is. The caller
 * frees the text. Returns NULL when there is no memory. */
char *place_set_aside(const struct lists *lists, const char *card);

/** place_missing() - say what is missing if this host has no such parent, or if the parent has no such type; NULL: any
 * type will do. The text is a sentence, which the caller frees; NULL: nothing is missing. Returns a status. */
int place_missing(struct client *client, const char *parent, const char *type, char **ret);

/** place_missing_on_card() - the same where @name may be a card as well. */
int place_missing_on_card(struct client *client, const char *name, const char *type, char **ret);

/** place_missing_type() - the same where no parent has the type. */
int place_missing_type(struct client *client, const char *type, char **ret);

/** place_warn() - print a warning if this host does not have the place of a definition that was stored. Returns a
 * status. */
int place_warn(struct client *client, const char *parent, const char *type);

/** place_warn_attributes() - print a warning for each attribute of a stored definition that the device lacks which is
 * active at this place. Nothing is known of other devices. Returns a status. */
int place_warn_attributes(struct client *client, const char *uuid, const char *parent, const char *type,
                          const struct attributes *attributes);
