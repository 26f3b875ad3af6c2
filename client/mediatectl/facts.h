/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `mediatectl show` tells. The keys of the JSON are documented in mediatectl(1) and stay. */

#include <json-c/json_object.h>

#include "client/mediatectl/entries.h"

struct facts {
        json_object *root;
        json_object *devices, *definitions, *parents, *jobs;    /* arrays in it */
};

/** facts_init() - make it empty. Returns 0 or -ENOMEM. */
int facts_init(struct facts *facts);

/** facts_clear() - free everything. */
void facts_clear(struct facts *facts);
#define _cleanup_facts_ _cleanup_(facts_clear)

/** facts_add_device() - a device, with who uses it where that can be seen. All of these return a status. */
int facts_add_device(struct client *client, const struct entry *entry, struct facts *facts);

/** facts_add_definition() - a definition. */
int facts_add_definition(const struct entry *entry, struct facts *facts);

/** facts_add_parent() - a parent with its types and devices. */
int facts_add_parent(struct client *client, const struct listed_parent *parent, struct facts *facts);

/** facts_add_jobs() - the unfinished jobs of a UUID. */
int facts_add_jobs(struct client *client, const char *uuid, struct facts *facts);

/** facts_print_json() - for programs. Returns 0 or a negative errno. */
int facts_print_json(const struct facts *facts);

/** facts_print() - for people. Returns 0 or a negative errno. */
int facts_print(const struct facts *facts);
