/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A command line of mdevctl. */

#include <stdint.h>

#include "client/mdevctl/grammar.h"
#include "common/uuid.h"

/* The texts are those of the command line. */
struct mdevctl_arguments {
        const struct mdevctl_version *version;  /* the version of mdevctl to follow */
        const char *program;                    /* "mdevctl" or "lsmdev" */
        const struct mdevctl_command *command;
        unsigned int given;                     /* MDEVCTL_BIT() of each option that was given */
        const char *values[_MDEVCTL_OPTION_MAX];        /* the values of options; NULL: none */
        const char *argument;                   /* the argument of the command, or NULL */
        char uuid[UUID_TEXT_SIZE];              /* the value of --uuid in normal form, or "" */
        uint32_t index;                         /* the value of --index, or 0 */
};

static inline bool mdevctl_given(const struct mdevctl_arguments *arguments, enum mdevctl_option option) {
        return arguments->given & MDEVCTL_BIT(option);
}

/** mdevctl_arguments_parse() - read the command line. Returns 1 when the command is to be run; 0 when help or the
 * version was asked for, which have been printed; or -EINVAL when it is wrong, which has been printed too. */
int mdevctl_arguments_parse(int argc, char *argv[], const struct mdevctl_version *version,
                            struct mdevctl_arguments *ret);
