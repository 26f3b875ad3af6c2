/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices and definitions side by side, with their properties. */

#include <json-c/json_object.h>

#include "client/mediatectl/client.h"

/* A device, its definition, or both. */
struct entry {
        const char *uuid, *parent, *type;
        const struct listed_device *device;             /* NULL: it is not active */
        const struct listed_definition *definition;     /* NULL: it is not defined */
        json_object *device_properties;                 /* NULL: not fetched, or the object has disappeared */
        json_object *definition_properties;             /* the same */
        json_object *users;                             /* the users of the device; NULL: they are not known */
};

struct entries {
        struct entry *items;
        size_t n;
};

/** entries_new() - make a list of all devices and definitions, sorted by parent, then by UUID. Each pair of these
 * occurs once. Returns a status. */
int entries_new(struct client *client, struct entries *ret);

/** entries_clear() - free everything. */
void entries_clear(struct entries *entries);
#define _cleanup_entries_ _cleanup_(entries_clear)

/** entries_fetch_states() - fetch the properties of each definition that is to start with its parent and is not active:
 * they say why it is not. Returns a status. */
int entries_fetch_states(struct client *client, struct entries *entries);

/** entries_fetch_problems() - fetch the properties of each definition that is not active. Returns a status. */
int entries_fetch_problems(struct client *client, struct entries *entries);

/** entries_fetch_all() - fetch the properties of everything. Returns a status. */
int entries_fetch_all(struct client *client, struct entries *entries);

/** entries_fetch_users() - fetch the users of all devices. Returns a status. */
int entries_fetch_users(struct client *client, struct entries *entries);

/** entry_state() - the state of the device; or, if there is only a definition, "invalid", what its start waits for,
 * "failed", or "inactive". */
const char *entry_state(const struct entry *entry);

/** autostart_waits() - say what autostart waits for in this state of a definition; *ret becomes NULL if it does not
 * wait. The caller frees the text. Returns 0 or -ENOMEM. */
int autostart_waits(const char *state, const char *parent, const char *type, char **ret);

/** device_error() - say why the last stop or change of the device failed. *ret becomes NULL if it did not. The caller
 * frees the text. Returns 0 or -ENOMEM. */
int device_error(const struct entry *entry, char **ret);

/** definition_error() - say why a definition is not active, if that is known: what autostart waits for, or why the last
 * start failed, or why it is invalid. *ret becomes NULL if nothing is wrong. The caller frees the text. Returns 0 or
 * -ENOMEM. */
int definition_error(const struct entry *entry, char **ret);

/** job_fetch() - fetch the properties of a job; *ret stays as it is when the job has ended. Returns a status. */
int job_fetch(struct client *client, const struct listed_job *job, json_object **ret);

/** properties_fetch() - fetch all properties of @n objects at once. A place in @ret stays as it is when its object has
 * disappeared meanwhile. Returns a status. */
int properties_fetch(struct client *client, const char *const *paths, const char *const *interfaces, size_t n,
                     json_object **ret);
