/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs. Each gets the arguments after its name and returns a status. */

#include "client/mediatectl/client.h"

typedef int verb_func(struct client *client, char **arguments, size_t n);

struct verb {
        const char *name;
        const char *arguments;          /* its arguments, for the help */
        const char *text;               /* what it does, for the help */
        size_t min, max;                /* how many arguments it takes */
        uint64_t options;               /* OPTION_BIT() of the options that it takes */
        verb_func *run;
};

#define ARGUMENTS_ANY SIZE_MAX

verb_func verb_list, verb_tree, verb_parents, verb_types, verb_show, verb_create, verb_start, verb_stop, verb_define,
        verb_modify, verb_undefine, verb_enable, verb_disable, verb_set_aside, verb_jobs, verb_cancel, verb_monitor,
        verb_wait, verb_check;

/** verb_find() - the verb of that name, or for NULL the first one. Returns NULL when there is none; then a message says
 * what may have been meant. */
const struct verb *verb_find(const char *name);

/** verbs_print_help() - print the part of the help that explains the verb @name, or all if it is NULL. */
void verbs_print_help(const char *name);
