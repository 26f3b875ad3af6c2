/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The errors for a wrong command line. Each function prints its error and the usage, and returns -EINVAL. */

#include "client/mdevctl/arguments.h"

/** usage_unknown() - an option or another word that is not expected; its first @size bytes. */
int usage_unknown(const struct mdevctl_arguments *arguments, const char *text, int size);

/** usage_unknown_letter() - a letter of a word of short options. */
int usage_unknown_letter(const struct mdevctl_arguments *arguments, const char *letter);

/** usage_unknown_command() - a word in place of a command. @near is a command that may have been meant, or NULL.
 * @is_behind_dashes says whether "--" came before it. */
int usage_unknown_command(const struct mdevctl_arguments *arguments, const char *text, const char *near,
                          bool is_behind_dashes);

/** usage_unknown_help() - a word after `help`. */
int usage_unknown_help(const struct mdevctl_arguments *arguments, const char *text);

/** usage_not_utf8() - a word that is not UTF-8. */
int usage_not_utf8(const struct mdevctl_arguments *arguments);

/** usage_unwanted_value() - a value for an option that takes none. */
int usage_unwanted_value(const struct mdevctl_arguments *arguments, enum mdevctl_option option, const char *value);

/** usage_no_value() - an option without its value. */
int usage_no_value(const struct mdevctl_arguments *arguments, enum mdevctl_option option);

/** usage_invalid() - a value that its option does not take. */
int usage_invalid(const struct mdevctl_arguments *arguments, enum mdevctl_option option, const char *value,
                  const char *reason);

/** usage_repeated() - an option that was given more than once. */
int usage_repeated(const struct mdevctl_arguments *arguments, enum mdevctl_option option);

/** usage_conflict() - an option that cannot be given together with each of @others, which are MDEVCTL_BIT()s. */
int usage_conflict(const struct mdevctl_arguments *arguments, enum mdevctl_option option, unsigned int others);

/** usage_missing() - options that are missing, as MDEVCTL_BIT()s, and the name of a missing argument, or NULL. */
int usage_missing(const struct mdevctl_arguments *arguments, unsigned int options, const char *argument);
