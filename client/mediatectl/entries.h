/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices and definitions side by side, and what only their properties tell. */

#include <json-c/json_object.h>

#include "client/mediatectl/client.h"

/* A device, its definition, or both. */
struct entry {
        const char *uuid, *parent, *type;
        const struct listed_device *device;             /* NULL: not active */
        const struct listed_definition *definition;     /* NULL: not defined */
        json_object *device_properties;                 /* NULL: not asked for, or gone since */
        json_object *definition_properties;
};

struct entries {
        struct entry *items;
        size_t n;
};

/** entries_new() - all devices and definitions, each pair of parent and UUID once, in this order. Returns a status. */
int entries_new(struct client *client, struct entries *ret);

/** entries_clear() - free everything. */
void entries_clear(struct entries *entries);
#define _cleanup_entries_ _cleanup_(entries_clear)

/** entries_fetch_states() - ask for the properties of the definitions that are to start and are not active: they alone
 * tell why. Returns a status. */
int entries_fetch_states(struct client *client, struct entries *entries);

/** entries_fetch_problems() - entries_fetch_states(), and the properties of invalid definitions. Returns a status. */
int entries_fetch_problems(struct client *client, struct entries *entries);

/** entries_fetch_all() - ask for all properties of all. Returns a status. */
int entries_fetch_all(struct client *client, struct entries *entries);

/** entry_state() - the device's state; of a definition alone: "invalid", what its start waits for, "failed", or
 * "inactive". */
const char *entry_state(const struct entry *entry);

/** properties_fetch() - all properties of several objects, asked for at once. @ret has @n places; one stays NULL when
 * its object has gone meanwhile. Returns a status. */
int properties_fetch(struct client *client, const char *const *paths, const char *const *interfaces, size_t n,
                     json_object **ret);
