/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* mdevctl's commands and options: what each command takes, and the help about it. */

#include <stddef.h>
#include <stdio.h>

#include "common/macro.h"
#include "common/mdevctl-version.h"

enum mdevctl_option {
        MDEVCTL_ADDATTR,
        MDEVCTL_AUTO,
        MDEVCTL_DEFINED,
        MDEVCTL_DELATTR,
        MDEVCTL_DUMPJSON,
        MDEVCTL_FORCE,
        MDEVCTL_HELP,
        MDEVCTL_INDEX,
        MDEVCTL_JSONFILE,
        MDEVCTL_LIVE,
        MDEVCTL_MANUAL,
        MDEVCTL_PARENT,
        MDEVCTL_TYPE,
        MDEVCTL_UUID,
        MDEVCTL_VALUE,
        MDEVCTL_VERBOSE,
        MDEVCTL_VERSION,
        _MDEVCTL_OPTION_MAX,
        _MDEVCTL_OPTION_INVALID = -1,
};

#define MDEVCTL_BIT(option) (1U << (option))

struct mdevctl_option_info {
        char letter;                    /* '\0': none */
        const char *label;              /* "--uuid <UUID>"; what stands in <> is the name of its value */
        const char *help;
        unsigned int conflicts;         /* MDEVCTL_BIT() of options that cannot be given with it; said of both */
        unsigned int needs;             /* MDEVCTL_BIT() of the option that must be given with it */
        /* The same where `modify` must change something; in addition. */
        unsigned int change_conflicts, change_needs;
};

extern const struct mdevctl_option_info mdevctl_options[_MDEVCTL_OPTION_MAX];

enum mdevctl_command_id {
        MDEVCTL_DEFINE_COMMAND,
        MDEVCTL_HELP_COMMAND,
        MDEVCTL_LIST_COMMAND,
        MDEVCTL_MODIFY_COMMAND,
        MDEVCTL_START_COMMAND,
        MDEVCTL_START_PARENT_COMMAND,
        MDEVCTL_STOP_COMMAND,
        MDEVCTL_TYPES_COMMAND,
        MDEVCTL_UNDEFINE_COMMAND,
        _MDEVCTL_COMMAND_MAX,
        MDEVCTL_NO_COMMAND = _MDEVCTL_COMMAND_MAX,
};

struct mdevctl_command {
        const char *name;
        const char *about, *details;    /* for the help; NULL: there are no details */
        unsigned int options;           /* MDEVCTL_BIT() of each that it takes */
        const char *argument;           /* the name of its argument; NULL: it takes none */
        unsigned int required;          /* all of them must be given */
        unsigned int required_any;      /* one of them must be given */
        unsigned int changes;           /* one of them must be given where `modify` must change something */
        bool hidden;
};

/* The last one, MDEVCTL_NO_COMMAND, stands for what is given before a command. */
extern const struct mdevctl_command mdevctl_commands[_MDEVCTL_COMMAND_MAX + 1];

static inline enum mdevctl_command_id mdevctl_command_id(const struct mdevctl_command *command) {
        return (enum mdevctl_command_id) (command - mdevctl_commands);
}

/** mdevctl_command_find() - by name, or NULL. */
const struct mdevctl_command *mdevctl_command_find(const char *name);

/** mdevctl_option_by_letter(), mdevctl_option_by_name() - an option that @command takes, or
 * _MDEVCTL_OPTION_INVALID. */
enum mdevctl_option mdevctl_option_by_letter(const struct mdevctl_command *command, char letter);
enum mdevctl_option mdevctl_option_by_name(const struct mdevctl_command *command, const char *name, size_t size);

/** mdevctl_has_value() - whether the option takes a value. */
bool mdevctl_has_value(enum mdevctl_option option);

/** mdevctl_conflicts() - MDEVCTL_BIT() of all options that cannot be given with one. */
unsigned int mdevctl_conflicts(const struct mdevctl_version *version, enum mdevctl_option option);

/** mdevctl_needs() - MDEVCTL_BIT() of the options that must be given with one. clap 4 forgives that an option is
 * missing that could not be given together with one of those that were @given. */
unsigned int mdevctl_needs(const struct mdevctl_version *version, enum mdevctl_option option, unsigned int given);

/** mdevctl_required_any() - MDEVCTL_BIT() of options of which one must be given; 0: there are none. */
unsigned int mdevctl_required_any(const struct mdevctl_version *version, const struct mdevctl_command *command);

/** mdevctl_print_usage() - print one line. @program is the name by which this program was called. */
void mdevctl_print_usage(FILE *stream, const struct mdevctl_version *version, const char *program,
                         const struct mdevctl_command *command);

/** mdevctl_print_help() - print the help about a command, with @details the long one. */
void mdevctl_print_help(FILE *stream, const struct mdevctl_version *version, const char *program,
                        const struct mdevctl_command *command, bool details);
