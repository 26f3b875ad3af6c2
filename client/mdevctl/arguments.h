/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One command line of mdevctl. */

#include <stdint.h>

#include "client/mdevctl/grammar.h"
#include "common/uuid.h"

/* Texts point into the command line. */
struct mdevctl_arguments {
        const char *program;                    /* "mdevctl" or "lsmdev" */
        const struct mdevctl_command *command;
        unsigned int given;                     /* MDEVCTL_BIT() of each option that was given */
        const char *values[_MDEVCTL_OPTION_MAX];
        const char *argument;
        char uuid[UUID_TEXT_SIZE];              /* normal; empty without --uuid */
        uint32_t index;
};

static inline bool mdevctl_given(const struct mdevctl_arguments *arguments, enum mdevctl_option option) {
        return arguments->given & MDEVCTL_BIT(option);
}

/** mdevctl_arguments_parse() - read the command line. Returns 1 when the command is to be run; 0 when it asked for
 * help or the version and got it; -EINVAL when it is wrong and that has been said. */
int mdevctl_arguments_parse(int argc, char *argv[], struct mdevctl_arguments *ret);
