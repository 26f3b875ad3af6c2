/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading a command line as mdevctl's parser (clap 3) does: in the same order, so that of several mistakes the
 * same one is told. First the words one by one, where an unknown one ends it and --help too; then what cannot be
 * together, what is missing, and last the values, in the order in which the options were given. */

#include "client/mdevctl/arguments.h"

#include <errno.h>
#include <stdarg.h>

#include "client/mdevctl/mdevctl.h"
#include "client/mdevctl/tell.h"
#include "client/mdevctl/uuid.h"
#include "client/shared/suggest.h"
#include "common/io.h"
#include "common/utf8.h"

/* The version of mdevctl whose options these are; scripts compare it. */
#define COMPATIBLE_VERSION "1.3.0"

struct parser {
        struct mdevctl_arguments *arguments;
        enum mdevctl_option order[_MDEVCTL_OPTION_MAX];
        size_t n_order;
        unsigned int count[_MDEVCTL_OPTION_MAX];
        enum mdevctl_option pending;    /* still without its value */
        bool only_arguments;            /* after "--" */
};

_printf_(2, 3) static int usage_error(const struct parser *parser, const char *format, ...) {
        va_list arguments;

        fputs("error: ", stderr);
        va_start(arguments, format);
        mdevctl_say_va(format, arguments);
        va_end(arguments);
        fputs("\n\n", stderr);
        mdevctl_print_usage(stderr, parser->arguments->program, parser->arguments->command);
        fputs("\nFor more information try --help\n", stderr);
        return -EINVAL;
}

static int unknown_argument(const struct parser *parser, const char *text, int size) {
        return usage_error(parser, "Found argument '%.*s' which wasn't expected, or isn't valid in this context",
                           size, text);
}

static int print_version(const struct mdevctl_arguments *arguments) {
        bool in_command = arguments->command->id != MDEVCTL_NO_COMMAND && streq(arguments->program, "mdevctl");

        printf("%s%s%s " COMPATIBLE_VERSION " (mediated " PROJECT_VERSION ")\n", arguments->program,
               in_command ? "-" : "", in_command ? arguments->command->name : "");
        return 0;
}

/* Returns 1, or 0 when the option is one that answers at once. */
static int take_option(struct parser *parser, enum mdevctl_option option, bool details) {
        struct mdevctl_arguments *arguments = parser->arguments;

        if (option == MDEVCTL_HELP) {
                mdevctl_print_help(stdout, arguments->program, arguments->command, details);
                return 0;
        }
        if (option == MDEVCTL_VERSION)
                return print_version(arguments);

        if (parser->count[option]++ == 0)
                parser->order[parser->n_order++] = option;
        arguments->given |= MDEVCTL_BIT(option);
        parser->pending = mdevctl_options[option].value ? option : _MDEVCTL_OPTION_INVALID;
        return 1;
}

static int take_value(struct parser *parser, const char *value) {
        /* Only a file's name may be anything. */
        if (parser->pending != MDEVCTL_JSONFILE && !utf8_is_valid(value, strlen(value)))
                return usage_error(parser, "Invalid UTF-8 was detected in one or more arguments");

        if (!parser->arguments->values[parser->pending])
                parser->arguments->values[parser->pending] = value;
        parser->pending = _MDEVCTL_OPTION_INVALID;
        return 1;
}

static int take_long(struct parser *parser, const char *text) {
        const char *name = text + 2, *value = strchr(name, '=');
        size_t size = value ? (size_t) (value - name) : strlen(name);
        enum mdevctl_option option = mdevctl_option_by_name(parser->arguments->command, name, size);
        int r;

        if (option < 0)
                return unknown_argument(parser, text, (int) size + 2);
        if (value && !mdevctl_options[option].value)
                return usage_error(parser,
                                   "The value '%s' was provided to '%s' but it wasn't expecting any more values",
                                   value + 1, mdevctl_options[option].label);
        r = take_option(parser, option, true);
        return r > 0 && value ? take_value(parser, value + 1) : r;
}

static int unknown_letter(const struct parser *parser, const char *letter) {
        char text[8] = "-";
        size_t n = 1;

        text[n++] = *letter;
        while (n < sizeof(text) - 1 && ((unsigned char) letter[n - 1] & 0xc0) == 0x80) {
                text[n] = letter[n - 1];
                n++;
        }
        return unknown_argument(parser, text, (int) n);
}

static int take_letters(struct parser *parser, const char *text) {
        for (const char *letter = text + 1; *letter; letter++) {
                enum mdevctl_option option = mdevctl_option_by_letter(parser->arguments->command, *letter);
                int r;

                if (option < 0)
                        return unknown_letter(parser, letter);
                r = take_option(parser, option, false);
                if (r <= 0)
                        return r;
                if (mdevctl_options[option].value && letter[1])
                        return take_value(parser, letter + (letter[1] == '=' ? 2 : 1));
        }
        return 1;
}

static int unknown_command(const struct parser *parser, const char *text) {
        const char *names[_MDEVCTL_COMMAND_MAX], *near;

        for (size_t i = 0; i < _MDEVCTL_COMMAND_MAX; i++)
                names[i] = mdevctl_commands[i].name;
        near = *text && !parser->only_arguments
                       ? suggest_nearest(text, names, ELEMENTSOF(names), SUGGEST_WORD(text))
                       : NULL;
        if (!near)
                return unknown_argument(parser, text, (int) strlen(text));
        return usage_error(parser, "The subcommand '%s' wasn't recognized\n\n\tDid you mean '%s'?", text, near);
}

static int take_argument(struct parser *parser, const char *text) {
        struct mdevctl_arguments *arguments = parser->arguments;
        const struct mdevctl_command *command;

        if (arguments->command->id == MDEVCTL_NO_COMMAND) {
                command = parser->only_arguments ? NULL : mdevctl_command_find(text);
                if (!command)
                        return unknown_command(parser, text);
                arguments->command = command;
                return 1;
        }
        if (!arguments->command->argument || arguments->argument)
                return unknown_argument(parser, text, (int) strlen(text));
        arguments->argument = text;
        return 1;
}

static int take_word(struct parser *parser, const char *text) {
        bool is_option = text[0] == '-' && text[1] && !parser->only_arguments;

        if (is_option && streq(text, "--")) {
                parser->only_arguments = true;
                return 1;
        }
        if (!is_option && parser->pending >= 0 && !parser->only_arguments)
                return take_value(parser, text);
        if (!utf8_is_valid(text, strlen(text)))
                return usage_error(parser, "Invalid UTF-8 was detected in one or more arguments");
        if (!is_option && !streq(text, "-"))
                return take_argument(parser, text);
        if (streq(text, "-"))
                return parser->arguments->command->argument ? take_argument(parser, text)
                                                            : unknown_argument(parser, text, 1);
        return text[1] == '-' ? take_long(parser, text) : take_letters(parser, text);
}

static int check_conflicts(const struct parser *parser) {
        const struct mdevctl_command *command = parser->arguments->command;

        for (size_t i = 0; i < parser->n_order; i++) {
                enum mdevctl_option a = parser->order[i], found[_MDEVCTL_OPTION_MAX];
                char list[256] = "";
                size_t n = 0;

                for (enum mdevctl_option b = 0; b < _MDEVCTL_OPTION_MAX; b++)
                        if (mdevctl_given(parser->arguments, b) && mdevctl_conflicts(command, a, b))
                                found[n++] = b;
                if (n == 1)
                        return usage_error(parser, "The argument '%s' cannot be used with '%s'",
                                           mdevctl_options[a].label, mdevctl_options[found[0]].label);
                for (size_t j = 0; j < n; j++)
                        snprintf(list + strlen(list), sizeof(list) - strlen(list), "\n    %s",
                                 mdevctl_options[found[j]].label);
                if (n > 0)
                        return usage_error(parser, "The argument '%s' cannot be used with:%s",
                                           mdevctl_options[a].label, list);
        }
        return 0;
}

static unsigned int find_missing(const struct parser *parser) {
        const struct mdevctl_arguments *arguments = parser->arguments;
        const struct mdevctl_command *command = arguments->command;
        unsigned int missing = command->required & ~arguments->given;

        if (!(command->required_any & arguments->given))
                missing |= command->required_any;
        for (size_t i = 0; i < parser->n_order; i++) {
                enum mdevctl_option need = mdevctl_needs(command, parser->order[i]);

                if (need >= 0 && !mdevctl_given(arguments, need))
                        missing |= MDEVCTL_BIT(need);
        }
        return missing;
}

static int check_required(const struct parser *parser) {
        const struct mdevctl_command *command = parser->arguments->command;
        unsigned int missing = find_missing(parser);
        char list[256] = "";

        for (int i = 0; i < _MDEVCTL_OPTION_MAX; i++)
                if (missing & MDEVCTL_BIT(i))
                        snprintf(list + strlen(list), sizeof(list) - strlen(list), "\n    %s",
                                 mdevctl_options[i].label);
        if (command->argument && !parser->arguments->argument)
                snprintf(list + strlen(list), sizeof(list) - strlen(list), "\n    <%s>", command->argument);

        return *list ? usage_error(parser, "The following required arguments were not provided:%s", list) : 0;
}

static int bad_value(const struct parser *parser, enum mdevctl_option option, const char *reason) {
        _cleanup_free_ char *quoted = mdevctl_quote(parser->arguments->values[option]);

        return usage_error(parser, "Invalid value %s for '%s': %s", quoted, mdevctl_options[option].label, reason);
}

static int parse_index(const struct parser *parser, const char *text, uint32_t *ret) {
        const char *digits = *text == '+' && text[1] ? text + 1 : text;
        uint64_t number = 0;

        if (!*text)
                return bad_value(parser, MDEVCTL_INDEX, "cannot parse integer from empty string");
        for (; *digits; digits++) {
                if (*digits < '0' || *digits > '9')
                        return bad_value(parser, MDEVCTL_INDEX, "invalid digit found in string");
                number = number * 10 + (uint64_t) (*digits - '0');
                if (number > UINT32_MAX)
                        return bad_value(parser, MDEVCTL_INDEX, "number too large to fit in target type");
        }
        *ret = (uint32_t) number;
        return 0;
}

static int check_value(struct parser *parser, enum mdevctl_option option) {
        struct mdevctl_arguments *arguments = parser->arguments;
        const char *value = arguments->values[option];
        char reason[MDEVCTL_UUID_REASON_SIZE];

        if (mdevctl_options[option].value && !value)
                return usage_error(parser, "The argument '%s' requires a value but none was supplied",
                                   mdevctl_options[option].label);
        if (option == MDEVCTL_INDEX && parse_index(parser, value, &arguments->index) < 0)
                return -EINVAL;
        if (option == MDEVCTL_UUID && mdevctl_uuid_parse(value, arguments->uuid, reason) < 0)
                return bad_value(parser, MDEVCTL_UUID, reason);
        if (parser->count[option] > 1)
                return usage_error(
                        parser, "The argument '%s' was provided more than once, but cannot be used multiple times",
                        mdevctl_options[option].label);
        return 0;
}

static int check(struct parser *parser) {
        int r;

        if (parser->pending >= 0)
                return usage_error(parser, "The argument '%s' requires a value but none was supplied",
                                   mdevctl_options[parser->pending].label);
        r = check_conflicts(parser);
        if (r >= 0)
                r = check_required(parser);
        for (size_t i = 0; i < parser->n_order && r >= 0; i++)
                r = check_value(parser, parser->order[i]);
        return r < 0 ? r : 1;
}

/* What follows `help`: the name of a command, and nothing else. */
static int answer_help(struct parser *parser, char *words[], size_t n) {
        struct mdevctl_arguments *arguments = parser->arguments;

        arguments->command = mdevctl_commands + MDEVCTL_NO_COMMAND;
        for (size_t i = 0; i < n; i++) {
                const struct mdevctl_command *command = i == 0 ? mdevctl_command_find(words[i]) : NULL;

                if (!command)
                        return usage_error(parser, "The subcommand '%s' wasn't recognized", words[i]);
                if (command->id != MDEVCTL_HELP_COMMAND)
                        arguments->command = command;
        }
        mdevctl_print_help(stdout, arguments->program, arguments->command, true);
        return 0;
}

int mdevctl_arguments_parse(int argc, char *argv[], struct mdevctl_arguments *ret) {
        struct parser parser = { .arguments = ret, .pending = _MDEVCTL_OPTION_INVALID };
        const char *name = argc > 0 ? path_name(argv[0]) : "";
        bool is_lsmdev = strlen(name) >= 6 && streq(name + strlen(name) - 6, "lsmdev");
        int r;

        *ret = (struct mdevctl_arguments) {
                .program = is_lsmdev ? "lsmdev" : "mdevctl",
                .command = mdevctl_commands + (is_lsmdev ? MDEVCTL_LIST_COMMAND : MDEVCTL_NO_COMMAND),
        };
        for (int i = 1; i < argc; i++) {
                r = take_word(&parser, argv[i]);
                if (r <= 0)
                        return r;
                if (ret->command->id == MDEVCTL_HELP_COMMAND)
                        return answer_help(&parser, argv + i + 1, (size_t) (argc - i - 1));
        }
        if (ret->command->id == MDEVCTL_NO_COMMAND) {
                mdevctl_print_help(stderr, ret->program, ret->command, false);
                return -EINVAL;
        }
        return check(&parser);
}
