/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options of the command line. Each verb has a set of options that it takes; any other one is an error. */

#include "client/output/table.h"
#include "common/attribute.h"
#include "common/macro.h"

enum option_id {
        OPTION_HELP,
        OPTION_VERSION,
        OPTION_HOST,
        OPTION_MACHINE,
        OPTION_NO_ASK_PASSWORD,
        OPTION_JSON,
        OPTION_NO_LEGEND,
        OPTION_OUTPUT,
        OPTION_ALL,
        OPTION_PARENT,
        OPTION_WAIT,
        OPTION_TIMEOUT,
        OPTION_SETTLE,
        OPTION_FORCE,
        OPTION_AUTO,
        OPTION_MANUAL,
        OPTION_TYPE,
        OPTION_ADD,
        OPTION_INDEX,
        OPTION_REMOVE,
        OPTION_CLEAR,
        OPTION_LIVE,
        OPTION_DEFINED,
        OPTION_DEVICE,
        OPTION_STATE,
        OPTION_AVAILABLE,
        OPTION_DRY_RUN,
        OPTION_COUNT,
        OPTION_DEFINE,
        OPTION_BY_PARENT,
        _OPTION_MAX,
};

#define OPTION_BIT(option) (UINT64_C(1) << (option))
#define OPTIONS_ALWAYS                                                                                            \
        (OPTION_BIT(OPTION_HELP) | OPTION_BIT(OPTION_VERSION) | OPTION_BIT(OPTION_HOST) |                         \
         OPTION_BIT(OPTION_MACHINE) | OPTION_BIT(OPTION_NO_ASK_PASSWORD))
#define OPTIONS_JSON (OPTION_BIT(OPTION_JSON))
#define OPTIONS_TABLE (OPTIONS_JSON | OPTION_BIT(OPTION_NO_LEGEND) | OPTION_BIT(OPTION_OUTPUT))
#define OPTIONS_JOB (OPTION_BIT(OPTION_TIMEOUT) | OPTION_BIT(OPTION_FORCE))

/* The texts are those of the command line. */
struct options {
        uint64_t given;                 /* OPTION_BIT() of each option that was given */
        const char *host;
        const char *machine;
        const char *output;             /* the value of --output: COLUMN,… */
        const char *parent;
        const char *type;
        const char *state;
        unsigned int count;             /* the value of --count */
        uint64_t timeout_usec;
        struct attributes add;          /* the values of --add */
        int index;                      /* the value of --index; -1: the end */
        int *remove;                    /* the values of --remove; -1: the last attribute */
        size_t n_remove;
};

static inline bool option_given(const struct options *options, enum option_id option) {
        return options->given & OPTION_BIT(option);
}

/** options_parse() - read the command line; afterwards argv[*ret_first] is the first argument that is no option.
 * Returns a status. */
int options_parse(int argc, char *argv[], struct options *options, int *ret_first);

/** options_check() - check that no option was given but those of @allowed and OPTIONS_ALWAYS. Returns a status. */
int options_check(const struct options *options, const char *verb, uint64_t allowed);

/** options_table() - how --json, --no-legend and --output want a table. */
struct table_style options_table(const struct options *options);

/** options_clear() - free what options_parse() has allocated. */
void options_clear(struct options *options);

/** options_print_help() - print the part of the help that explains @options, a set of OPTION_BIT(). */
void options_print_help(uint64_t options);
