/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The facts of `mediatectl show`, with the keys of keys.h. */

#include <json-c/json_object.h>

#include "client/mediatectl/entries.h"
#include "common/card.h"

/* Arrays of objects; one that memory was too short for is NULL. */
struct facts {
        json_object *devices, *definitions, *parents, *jobs, *cards;
};

/** facts_init() - empty arrays. */
void facts_init(struct facts *facts);

/** facts_clear() - free everything. */
void facts_clear(struct facts *facts);
#define _cleanup_facts_ _cleanup_(facts_clear)

/** facts_add_device() - add a device. Returns 0 or -ENOMEM. */
int facts_add_device(const struct entry *entry, struct facts *facts);

/** facts_add_definition() - add a definition. Returns 0 or -ENOMEM. */
int facts_add_definition(const struct entry *entry, struct facts *facts);

/** facts_add_parent() - add a parent with its types and devices. Returns a status. */
int facts_add_parent(struct client *client, const struct listed_parent *parent, struct facts *facts);

/** facts_add_card() - add a card with its functions, and their types and devices. @card is the card as this host's
 * files show it, or NULL. Returns a status. */
int facts_add_card(struct client *client, const char *name, const struct card *card, struct facts *facts);

/** facts_add_jobs() - add the unfinished jobs of a UUID. Returns a status. */
int facts_add_jobs(struct client *client, const char *uuid, struct facts *facts);

/** facts_print_json() - for programs. Returns 0 or a negative errno: -ENOMEM also when it was too short before. */
int facts_print_json(const struct facts *facts);

/** facts_print() - for people. Returns the same. */
int facts_print(const struct facts *facts);
