/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading a command line as mdevctl's parser (clap 3) does. First the words are read one by one; an unknown one ends
 * that, and so does --help. Then the options are checked: which of them cannot be together, what is missing, and their
 * values in the order in which they were given. */

#include "client/mdevctl/arguments.h"

#include <assert.h>
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

#define LABELS_SIZE 256

#define UNKNOWN(text) "Found argument '" text "' which wasn't expected, or isn't valid in this context"

struct parser {
        struct mdevctl_arguments *arguments;
        enum mdevctl_option order[_MDEVCTL_OPTION_MAX];         /* the given options, each once */
        size_t n_order;
        unsigned int repeated;          /* MDEVCTL_BIT() of each that was given more than once */
        enum mdevctl_option pending;    /* the option whose value is the next word, or _MDEVCTL_OPTION_INVALID */
        bool only_arguments;            /* "--" was read */
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

static bool has_command(const struct parser *parser) {
        return mdevctl_command_id(parser->arguments->command) != MDEVCTL_NO_COMMAND;
}

static int print_version(const struct parser *parser) {
        const struct mdevctl_arguments *arguments = parser->arguments;
        bool in_command = has_command(parser) && streq(arguments->program, "mdevctl");

        printf("%s%s%s " COMPATIBLE_VERSION " (mediated " PROJECT_VERSION ")\n", arguments->program,
               in_command ? "-" : "", in_command ? arguments->command->name : "");
        return 0;
}

static int take_value(struct parser *parser, const char *value) {
        assert(parser->pending >= 0);
        if (!parser->arguments->values[parser->pending])
                parser->arguments->values[parser->pending] = value;
        parser->pending = _MDEVCTL_OPTION_INVALID;
        return 1;
}

/* @value: NULL when the next word is the value, if the option takes one. Returns 1, or 0 for an option that answers at
 * once. */
static int take_option(struct parser *parser, enum mdevctl_option option, const char *value, bool details) {
        struct mdevctl_arguments *arguments = parser->arguments;

        if (option == MDEVCTL_HELP) {
                mdevctl_print_help(stdout, arguments->program, arguments->command, details);
                return 0;
        }
        if (option == MDEVCTL_VERSION)
                return print_version(parser);

        if (mdevctl_given(arguments, option))
                parser->repeated |= MDEVCTL_BIT(option);
        else {
                assert(parser->n_order < ELEMENTSOF(parser->order));
                parser->order[parser->n_order++] = option;
        }
        arguments->given |= MDEVCTL_BIT(option);
        parser->pending = mdevctl_has_value(option) ? option : _MDEVCTL_OPTION_INVALID;
        return value ? take_value(parser, value) : 1;
}

static int take_long(struct parser *parser, const char *text) {
        const char *name = text + 2, *value;
        size_t size = strcspn(name, "=");
        enum mdevctl_option option = mdevctl_option_by_name(parser->arguments->command, name, size);

        if (option < 0)
                return usage_error(parser, UNKNOWN("%.*s"), (int) size + 2, text);
        value = name[size] ? name + size + 1 : NULL;
        if (value && !mdevctl_has_value(option))
                return usage_error(parser,
                                   "The value '%s' was provided to '%s' but it wasn't expecting any more values",
                                   value, mdevctl_options[option].label);
        return take_option(parser, option, value, true);
}

static int take_letters(struct parser *parser, const char *text) {
        for (const char *letter = text + 1; *letter; letter++) {
                enum mdevctl_option option = mdevctl_option_by_letter(parser->arguments->command, *letter);
                const char *value = NULL;
                int r;

                if (option < 0)
                        return usage_error(parser, UNKNOWN("-%.*s"), mdevctl_character_size(letter), letter);
                if (mdevctl_has_value(option) && letter[1])
                        value = letter + (letter[1] == '=' ? 2 : 1);
                r = take_option(parser, option, value, false);
                if (r <= 0 || value)
                        return r;
        }
        return 1;
}

static int unknown_command(const struct parser *parser, const char *text) {
        const char *names[_MDEVCTL_COMMAND_MAX], *near;

        for (size_t i = 0; i < _MDEVCTL_COMMAND_MAX; i++)
                names[i] = mdevctl_commands[i].name;
        near = suggest_nearest(text, names, ELEMENTSOF(names), SUGGEST_WORD(text));
        if (!near || parser->only_arguments)
                return usage_error(parser, UNKNOWN("%s"), text);
        return usage_error(parser, "The subcommand '%s' wasn't recognized\n\n\tDid you mean '%s'?", text, near);
}

static int take_argument(struct parser *parser, const char *text) {
        struct mdevctl_arguments *arguments = parser->arguments;
        const struct mdevctl_command *command;

        if (!has_command(parser)) {
                command = parser->only_arguments ? NULL : mdevctl_command_find(text);
                if (!command)
                        return unknown_command(parser, text);
                arguments->command = command;
                return 1;
        }
        if (!arguments->command->argument || arguments->argument)
                return usage_error(parser, UNKNOWN("%s"), text);
        arguments->argument = text;
        return 1;
}

static int take_word(struct parser *parser, const char *text) {
        bool is_option = text[0] == '-' && text[1] && !parser->only_arguments;
        bool is_value = parser->pending >= 0 && !is_option && !parser->only_arguments;

        /* Only the name of a file may be any bytes. */
        if (!(is_value && parser->pending == MDEVCTL_JSONFILE) && !utf8_is_valid(text, strlen(text)))
                return usage_error(parser, "Invalid UTF-8 was detected in one or more arguments");

        if (is_value)
                return take_value(parser, text);
        if (!is_option)
                return take_argument(parser, text);
        if (!streq(text, "--"))
                return text[1] == '-' ? take_long(parser, text) : take_letters(parser, text);
        parser->only_arguments = true;
        return 1;
}

/* A line for each of the options. */
static void list_labels(unsigned int options, char ret[static LABELS_SIZE]) {
        ret[0] = '\0';
        for (int i = 0; i < _MDEVCTL_OPTION_MAX; i++)
                if (options & MDEVCTL_BIT(i))
                        snprintf(ret + strlen(ret), LABELS_SIZE - strlen(ret), "\n    %s", mdevctl_options[i].label);
}

static int check_conflicts(const struct parser *parser) {
        for (size_t i = 0; i < parser->n_order; i++) {
                const struct mdevctl_option_info *option = mdevctl_options + parser->order[i];
                unsigned int found = parser->arguments->given & option->conflicts;
                char labels[LABELS_SIZE];

                list_labels(found, labels);
                if (found & (found - 1))
                        return usage_error(parser, "The argument '%s' cannot be used with:%s", option->label, labels);
                if (found)
                        return usage_error(parser, "The argument '%s' cannot be used with '%s'", option->label,
                                           labels + strlen("\n    "));
        }
        return 0;
}

static int check_required(const struct parser *parser) {
        const struct mdevctl_arguments *arguments = parser->arguments;
        const struct mdevctl_command *command = arguments->command;
        bool no_argument = command->argument && !arguments->argument;
        unsigned int missing = command->required;
        char labels[LABELS_SIZE];

        if (!(command->required_any & arguments->given))
                missing |= command->required_any;
        for (size_t i = 0; i < parser->n_order; i++)
                missing |= mdevctl_options[parser->order[i]].needs;
        missing &= ~arguments->given;
        if (!missing && !no_argument)
                return 0;

        list_labels(missing, labels);
        return usage_error(parser, "The following required arguments were not provided:%s%s%s%s", labels,
                           no_argument ? "\n    <" : "", no_argument ? command->argument : "", no_argument ? ">" : "");
}

/* Returns NULL, or what is wrong. */
static const char *parse_index(const char *text, uint32_t *ret) {
        const char *digits = *text == '+' && text[1] ? text + 1 : text;
        unsigned long long number;

        if (!*text)
                return "cannot parse integer from empty string";
        if (digits[strspn(digits, "0123456789")])
                return "invalid digit found in string";
        /* Saturates. */
        number = strtoull(digits, NULL, 10);
        if (number > UINT32_MAX)
                return "number too large to fit in target type";
        *ret = (uint32_t) number;
        return NULL;
}

static int check_value(const struct parser *parser, enum mdevctl_option option) {
        struct mdevctl_arguments *arguments = parser->arguments;
        const char *label = mdevctl_options[option].label, *value = arguments->values[option], *reason = NULL;
        char uuid_reason[MDEVCTL_UUID_REASON_SIZE];

        if (mdevctl_has_value(option) && (!value || option == parser->pending))
                return usage_error(parser, "The argument '%s' requires a value but none was supplied", label);
        if (option == MDEVCTL_INDEX)
                reason = parse_index(value, &arguments->index);
        else if (option == MDEVCTL_UUID && mdevctl_uuid_parse(value, arguments->uuid, uuid_reason) < 0)
                reason = uuid_reason;
        if (reason) {
                _cleanup_free_ char *quoted = mdevctl_quote(value);

                return usage_error(parser, "Invalid value %s for '%s': %s", quoted, label, reason);
        }
        if (parser->repeated & MDEVCTL_BIT(option))
                return usage_error(
                        parser, "The argument '%s' was provided more than once, but cannot be used multiple times",
                        label);
        return 0;
}

static int check(const struct parser *parser) {
        int r;

        if (parser->pending >= 0)
                return check_value(parser, parser->pending);
        r = check_conflicts(parser);
        if (r >= 0)
                r = check_required(parser);
        for (size_t i = 0; i < parser->n_order && r >= 0; i++)
                r = check_value(parser, parser->order[i]);
        return r < 0 ? r : 1;
}

/* @words follow `help`: the name of a command, or nothing. */
static int answer_help(const struct parser *parser, char *words[], int n) {
        struct mdevctl_arguments *arguments = parser->arguments;
        const struct mdevctl_command *command = n > 0 ? mdevctl_command_find(words[0]) : arguments->command;

        arguments->command = mdevctl_commands + MDEVCTL_NO_COMMAND;
        if (command && mdevctl_command_id(command) != MDEVCTL_HELP_COMMAND)
                arguments->command = command;
        if (!command || n > 1)
                return usage_error(parser, "The subcommand '%s' wasn't recognized", words[command ? 1 : 0]);
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
                if (mdevctl_command_id(ret->command) == MDEVCTL_HELP_COMMAND)
                        return answer_help(&parser, argv + i + 1, argc - i - 1);
        }
        if (!has_command(&parser)) {
                mdevctl_print_help(stderr, ret->program, ret->command, false);
                return -EINVAL;
        }
        return check(&parser);
}
