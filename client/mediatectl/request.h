/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the verbs that change something have in common: their arguments and their options. */

#include "client/mediatectl/calls.h"
#include "client/mediatectl/resolve.h"

/* A device or definition that an argument names. */
struct target {
        char uuid[UUID_TEXT_SIZE];
        const char *parent;             /* that of --parent, or of a definition that --all found; "": any */
};

struct targets {
        struct target *items;
        size_t n;
};

#define _cleanup_targets_ _cleanup_(targets_clear)

/** targets_add() - add a target. Returns 0 or -ENOMEM. */
int targets_add(struct targets *targets, const char *uuid, const char *parent);

/** targets_contain() - whether the UUID is among them. */
bool targets_contain(const struct targets *targets, const char *uuid);

/** targets_clear() - free everything. */
void targets_clear(struct targets *targets);

/** targets_parse() - add the UUIDs of the command line, each once. Returns a status. */
int targets_parse(struct client *client, char **arguments, size_t n, enum known prefer, struct targets *ret);

/** targets_all_definitions() - add all valid definitions: with --parent only those of that parent or card, with
 * @inactive only those that are not active. Returns a status. */
int targets_all_definitions(struct client *client, bool inactive, struct targets *ret);

/** targets_definitions() - do what targets_parse() does, or with --all what targets_all_definitions() does. Returns a
 * status. */
int targets_definitions(struct client *client, char **arguments, size_t n, bool inactive, struct targets *ret);

/** attributes_parse() - take the arguments of the form NAME=VALUE. The others move to the front, and @n becomes their
 * number. Returns 0 or a negative errno. */
int attributes_parse(char **arguments, size_t *n, struct attributes *ret);

/** request_add() - append the last argument, an a{sv} of the options that the daemon knows by the same name, and add
 * the call to @calls. It takes over the reference of @message. Returns 0 or a negative errno. */
int request_add(struct calls *calls, sd_bus_message *message, const char *subject);

/** request_add_define() - add a call of Define. Returns 0 or a negative errno. */
int request_add_define(struct calls *calls, const char *uuid, const char *parent, const char *type, const char *start,
                       const struct attributes *attributes);

/** request_sum_up() - print a line for a person about what --all has done: "Stopped 12 devices; 1 failed." */
void request_sum_up(const struct calls *calls, const char *done, const char *thing);

/** request_run() - start polkit's agent, run all calls, and print what failed. Returns a status. */
int request_run(struct calls *calls, const char *doing);
