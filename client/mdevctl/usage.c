/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words of mdevctl's parser for a wrong command line: those of clap 3 and those of clap 4. */

#include "client/mdevctl/usage.h"

#include <errno.h>
#include <stdarg.h>

#include "client/mdevctl/tell.h"

#define LABELS_SIZE 256

_printf_(2, 3) static int usage_error(const struct mdevctl_arguments *arguments, const char *format, ...) {
        va_list values;

        fputs("error: ", stderr);
        va_start(values, format);
        mdevctl_say_va(format, values);
        va_end(values);
        fputs("\n\n", stderr);
        mdevctl_print_usage(stderr, arguments->version, arguments->program, arguments->command);
        fputs(arguments->version->reads_as_clap_4 ? "\nFor more information, try '--help'.\n"
                                                  : "\nFor more information try --help\n", stderr);
        return -EINVAL;
}

static const char *label(enum mdevctl_option option) {
        return mdevctl_options[option].label;
}

/* A line for each of the options. */
static void list_labels(unsigned int options, char ret[static LABELS_SIZE]) {
        ret[0] = '\0';
        for (int i = 0; i < _MDEVCTL_OPTION_MAX; i++)
                if (options & MDEVCTL_BIT(i))
                        snprintf(ret + strlen(ret), LABELS_SIZE - strlen(ret), "\n    %s", label(i));
}

int usage_unknown(const struct mdevctl_arguments *arguments, const char *text, int size) {
        return usage_error(arguments,
                           arguments->version->reads_as_clap_4
                                   ? "unexpected argument '%.*s' found"
                                   : "Found argument '%.*s' which wasn't expected, or isn't valid in this context",
                           size, text);
}

int usage_unknown_letter(const struct mdevctl_arguments *arguments, const char *letter) {
        char text[8];

        snprintf(text, sizeof(text), "-%.*s", mdevctl_character_size(letter), letter);
        return usage_unknown(arguments, text, (int) strlen(text));
}

int usage_unknown_command(const struct mdevctl_arguments *arguments, const char *text, const char *near,
                          bool is_behind_dashes) {
        if (arguments->version->reads_as_clap_4) {
                if (is_behind_dashes && mdevctl_command_find(text))
                        return usage_unknown(arguments, text, (int) strlen(text));
                return usage_error(arguments, "unrecognized subcommand '%s'%s%s%s", text,
                                   near ? "\n\n  tip: a similar subcommand exists: '" : "", near ? near : "",
                                   near ? "'" : "");
        }
        if (!near || is_behind_dashes)
                return usage_unknown(arguments, text, (int) strlen(text));
        return usage_error(arguments, "The subcommand '%s' wasn't recognized\n\n\tDid you mean '%s'?", text, near);
}

int usage_unknown_help(const struct mdevctl_arguments *arguments, const char *text) {
        return usage_error(arguments,
                           arguments->version->reads_as_clap_4 ? "unrecognized subcommand '%s'"
                                                               : "The subcommand '%s' wasn't recognized",
                           text);
}

int usage_not_utf8(const struct mdevctl_arguments *arguments) {
        return usage_error(arguments, "%cnvalid UTF-8 was detected in one or more arguments",
                           arguments->version->reads_as_clap_4 ? 'i' : 'I');
}

int usage_unwanted_value(const struct mdevctl_arguments *arguments, enum mdevctl_option option, const char *value) {
        return usage_error(arguments,
                           arguments->version->reads_as_clap_4
                                   ? "unexpected value '%s' for '%s' found; no more were expected"
                                   : "The value '%s' was provided to '%s' but it wasn't expecting any more values",
                           value, label(option));
}

int usage_no_value(const struct mdevctl_arguments *arguments, enum mdevctl_option option) {
        return usage_error(arguments,
                           arguments->version->reads_as_clap_4
                                   ? "a value is required for '%s' but none was supplied"
                                   : "The argument '%s' requires a value but none was supplied",
                           label(option));
}

int usage_invalid(const struct mdevctl_arguments *arguments, enum mdevctl_option option, const char *value,
                  const char *reason) {
        _cleanup_free_ char *quoted = NULL;

        if (arguments->version->reads_as_clap_4)
                return usage_error(arguments, "invalid value '%s' for '%s': %s", value, label(option), reason);
        quoted = mdevctl_quote(value);
        return usage_error(arguments, "Invalid value %s for '%s': %s", quoted, label(option), reason);
}

int usage_repeated(const struct mdevctl_arguments *arguments, enum mdevctl_option option) {
        return usage_error(arguments,
                           arguments->version->reads_as_clap_4
                                   ? "the argument '%s' cannot be used multiple times"
                                   : "The argument '%s' was provided more than once, but cannot be used multiple "
                                     "times",
                           label(option));
}

int usage_conflict(const struct mdevctl_arguments *arguments, enum mdevctl_option option, unsigned int others) {
        bool several = others & (others - 1);
        char labels[LABELS_SIZE];

        list_labels(others, labels);
        return usage_error(arguments, "%che argument '%s' cannot be used with%s%s%s",
                           arguments->version->reads_as_clap_4 ? 't' : 'T', label(option), several ? ":" : " '",
                           several ? labels : labels + strlen("\n    "), several ? "" : "'");
}

int usage_missing(const struct mdevctl_arguments *arguments, unsigned int options, const char *argument) {
        char labels[LABELS_SIZE];

        list_labels(options, labels);
        return usage_error(arguments, "%che following required arguments were not provided:%s%s%s%s",
                           arguments->version->reads_as_clap_4 ? 't' : 'T', labels, argument ? "\n    <" : "",
                           argument ? argument : "", argument ? ">" : "");
}
