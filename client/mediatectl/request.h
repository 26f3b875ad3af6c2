/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs that change something have in common: their arguments and their options. */

#include "client/mediatectl/calls.h"
#include "client/mediatectl/resolve.h"

/* The device or definition that an argument means. */
struct target {
        char uuid[UUID_TEXT_SIZE];
        const char *parent;             /* of --parent, or of the definition that --all found; "" for any */
};

struct targets {
        struct target *items;
        size_t n;
};

#define _cleanup_targets_ _cleanup_(targets_clear)

/** targets_add() - add a target. Returns 0 or -ENOMEM. */
int targets_add(struct targets *targets, const char *uuid, const char *parent);

/** targets_clear() - free everything. */
void targets_clear(struct targets *targets);

/** targets_parse() - the UUIDs of the command line, each once. Returns a status. */
int targets_parse(struct client *client, char **arguments, size_t n, enum known prefer, struct targets *ret);

/** targets_all_definitions() - all valid definitions, with --parent only its, with @inactive only those that are not
 * active. Returns a status. */
int targets_all_definitions(struct client *client, bool inactive, struct targets *ret);

/** targets_definitions() - targets_parse(), or with --all targets_all_definitions(). Returns a status. */
int targets_definitions(struct client *client, char **arguments, size_t n, bool inactive, struct targets *ret);

/** attributes_parse() - those of the arguments that are NAME=VALUE, in order; the others move to the front, and @n
 * becomes their number. Returns 0 or a negative errno. */
int attributes_parse(char **arguments, size_t *n, struct attributes *ret);

/** request_new() - a call of a method of the manager with its first arguments, as sd_bus_message_append() takes them.
 * Returns 0 or a negative errno. */
int request_new(struct calls *calls, sd_bus_message **ret, const char *member, const char *types, ...);

/** request_add() - append the last argument, the a{sv} of those options that the daemon knows by the same name,
 * and add it to @calls. Takes over the reference of @message. Returns 0 or a negative errno. */
int request_add(struct calls *calls, sd_bus_message *message, const char *subject);

/** request_run() - connect polkit's agent, run all requests, tell what failed. Returns a status. */
int request_run(struct calls *calls, const char *doing);
