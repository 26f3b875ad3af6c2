/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading a command line as mdevctl's parser does: clap 3 or clap 4.
 *
 * clap 3 first reads the words one by one; an unknown one ends that, and so does --help. Then the options are checked:
 * which of them cannot be together, what is missing, and their values in the order in which they were given.
 *
 * clap 4 checks the value of an option, and whether it was given before, when it comes to the next option that it
 * knows, or to the end. What cannot be together and what is missing is checked at the end, too. */

#include "client/mdevctl/arguments.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "client/mdevctl/mdevctl.h"
#include "client/mdevctl/tell.h"
#include "client/mdevctl/usage.h"
#include "client/mdevctl/uuid.h"
#include "client/shared/suggest.h"
#include "common/io.h"
#include "common/utf8.h"

struct parser {
        struct mdevctl_arguments *arguments;
        enum mdevctl_option order[_MDEVCTL_OPTION_MAX];         /* the given options, each once */
        size_t n_order;
        unsigned int repeated;          /* MDEVCTL_BIT() of each that was given more than once */
        const char *repeated_values[_MDEVCTL_OPTION_MAX];       /* the last values of those, or NULL */
        enum mdevctl_option pending;    /* the option whose value is the next word, or _MDEVCTL_OPTION_INVALID */
        enum mdevctl_option unchecked;  /* the last option, until it is checked; or _MDEVCTL_OPTION_INVALID */
        bool only_arguments;            /* "--" was read */
};

static bool has_command(const struct parser *parser) {
        return mdevctl_command_id(parser->arguments->command) != MDEVCTL_NO_COMMAND;
}

static int print_version(const struct parser *parser) {
        const struct mdevctl_arguments *arguments = parser->arguments;
        bool in_command = has_command(parser) && streq(arguments->program, "mdevctl");

        printf("%s%s%s %s (mediated " PROJECT_VERSION ")\n", arguments->program, in_command ? "-" : "",
               in_command ? arguments->command->name : "", arguments->version->options);
        return 0;
}

static void take_value(struct parser *parser, const char *value) {
        assert(parser->pending >= 0);
        if (!parser->arguments->values[parser->pending])
                parser->arguments->values[parser->pending] = value;
        else
                parser->repeated_values[parser->pending] = value;
        parser->pending = _MDEVCTL_OPTION_INVALID;
}

/* Returns NULL, or what is wrong. */
static const char *parse_index(const struct mdevctl_version *version, const char *text, uint32_t *ret) {
        const char *digits = *text == '+' && text[1] ? text + 1 : text;
        static char reason[64];
        long long number;

        if (!*text)
                return "cannot parse integer from empty string";
        if (*text == '-' && text[1] && version->reads_as_clap_4)
                digits = text + 1;
        if (digits[strspn(digits, "0123456789")])
                return "invalid digit found in string";
        errno = 0;
        number = strtoll(text, NULL, 10);
        if (errno == ERANGE && number < 0)
                return "number too small to fit in target type";
        if (errno == ERANGE || (number > UINT32_MAX && !version->reads_as_clap_4))
                return "number too large to fit in target type";
        if (number < 0 || number > UINT32_MAX) {
                snprintf(reason, sizeof(reason), "%lld is not in 0..=%" PRIu32, number, UINT32_MAX);
                return reason;
        }
        *ret = (uint32_t) number;
        return NULL;
}

static int parse_value(const struct parser *parser, enum mdevctl_option option, const char *value) {
        struct mdevctl_arguments *arguments = parser->arguments;
        char uuid_reason[MDEVCTL_UUID_REASON_SIZE];
        const char *reason = NULL;

        if (!value)
                return 0;
        if (option == MDEVCTL_INDEX)
                reason = parse_index(arguments->version, value, &arguments->index);
        else if (option == MDEVCTL_UUID &&
                 mdevctl_uuid_parse(arguments->version, value, arguments->uuid, uuid_reason) < 0)
                reason = uuid_reason;
        return reason ? usage_invalid(arguments, option, value, reason) : 0;
}

/* clap 4 complains of a repeated option before it looks at its value; clap 3 after that, and one value is enough. */
static int check_value(const struct parser *parser, enum mdevctl_option option) {
        const struct mdevctl_arguments *arguments = parser->arguments;
        bool is_repeated = parser->repeated & MDEVCTL_BIT(option), is_clap_4 = arguments->version->reads_as_clap_4;
        const char *value = arguments->values[option];
        int r;

        if (mdevctl_has_value(option) && (!value || (option == parser->pending && is_clap_4)))
                return usage_no_value(arguments, option);
        if (is_repeated && is_clap_4)
                return usage_repeated(arguments, option);
        r = parse_value(parser, option, value);
        if (r >= 0)
                r = parse_value(parser, option, parser->repeated_values[option]);
        return r >= 0 && is_repeated ? usage_repeated(arguments, option) : r;
}

/* Checks the last option, where that is not left to the end. */
static int check_last(struct parser *parser) {
        enum mdevctl_option option = parser->unchecked;

        parser->unchecked = _MDEVCTL_OPTION_INVALID;
        return option >= 0 && parser->arguments->version->reads_as_clap_4 ? check_value(parser, option) : 0;
}

/* @value: NULL when the next word is the value, if the option takes one. Returns 1, or 0 for an option that answers at
 * once. */
static int take_option(struct parser *parser, enum mdevctl_option option, const char *value, bool details) {
        struct mdevctl_arguments *arguments = parser->arguments;
        int r;

        r = check_last(parser);
        if (r < 0)
                return r;
        if (option == MDEVCTL_HELP) {
                mdevctl_print_help(stdout, arguments->version, arguments->program, arguments->command, details);
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
        parser->unchecked = option;
        parser->pending = mdevctl_has_value(option) ? option : _MDEVCTL_OPTION_INVALID;
        if (value)
                take_value(parser, value);
        r = parser->pending >= 0 ? 0 : check_last(parser);
        return r < 0 ? r : 1;
}

static int take_long(struct parser *parser, const char *text) {
        const char *name = text + 2, *value;
        size_t size = strcspn(name, "=");
        enum mdevctl_option option = mdevctl_option_by_name(parser->arguments->command, name, size);

        if (option < 0)
                return usage_unknown(parser->arguments, text, (int) size + 2);
        value = name[size] ? name + size + 1 : NULL;
        if (value && !mdevctl_has_value(option))
                return usage_unwanted_value(parser->arguments, option, value);
        return take_option(parser, option, value, true);
}

static int take_letters(struct parser *parser, const char *text) {
        for (const char *letter = text + 1; *letter; letter++) {
                enum mdevctl_option option = mdevctl_option_by_letter(parser->arguments->command, *letter);
                const char *value = NULL;
                int r;

                if (option < 0)
                        return usage_unknown_letter(parser->arguments, letter);
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
        return usage_unknown_command(parser->arguments, text, near, parser->only_arguments);
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
                return usage_unknown(arguments, text, (int) strlen(text));
        arguments->argument = text;
        return 1;
}

static int take_word(struct parser *parser, const char *text) {
        bool is_option = text[0] == '-' && text[1] && !parser->only_arguments;
        bool is_value = parser->pending >= 0 && !is_option && !parser->only_arguments;

        /* Only the name of a file may be any bytes. */
        if (!(is_value && parser->pending == MDEVCTL_JSONFILE) && !utf8_is_valid(text, strlen(text)))
                return usage_not_utf8(parser->arguments);

        if (is_value) {
                take_value(parser, text);
                return 1;
        }
        if (!is_option)
                return take_argument(parser, text);
        if (!streq(text, "--"))
                return text[1] == '-' ? take_long(parser, text) : take_letters(parser, text);
        parser->only_arguments = true;
        return 1;
}

static int check_conflicts(const struct parser *parser) {
        const struct mdevctl_arguments *arguments = parser->arguments;

        for (size_t i = 0; i < parser->n_order; i++) {
                unsigned int found = arguments->given & mdevctl_conflicts(arguments->version, parser->order[i]);

                if (found)
                        return usage_conflict(arguments, parser->order[i], found);
        }
        return 0;
}

static int check_required(const struct parser *parser) {
        const struct mdevctl_arguments *arguments = parser->arguments;
        const struct mdevctl_command *command = arguments->command;
        unsigned int missing = command->required, any = mdevctl_required_any(arguments->version, command);
        bool no_argument = command->argument && !arguments->argument;

        if (!(any & arguments->given))
                missing |= any;
        for (size_t i = 0; i < parser->n_order; i++)
                missing |= mdevctl_needs(arguments->version, parser->order[i], arguments->given);
        missing &= ~arguments->given;
        return missing || no_argument ? usage_missing(arguments, missing, no_argument ? command->argument : NULL) : 0;
}

static int check_values(const struct parser *parser) {
        int r = 0;

        for (size_t i = 0; i < parser->n_order && r >= 0; i++)
                r = check_value(parser, parser->order[i]);
        return r;
}

static int check(struct parser *parser) {
        bool values_last = !parser->arguments->version->reads_as_clap_4;
        int r;

        r = check_last(parser);
        if (r >= 0 && parser->pending >= 0 && !parser->arguments->values[parser->pending])
                r = usage_no_value(parser->arguments, parser->pending);
        if (r >= 0)
                r = check_conflicts(parser);
        if (r >= 0)
                r = check_required(parser);
        if (r >= 0 && values_last)
                r = check_values(parser);
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
                return usage_unknown_help(arguments, words[command ? 1 : 0]);
        mdevctl_print_help(stdout, arguments->version, arguments->program, arguments->command, true);
        return 0;
}

int mdevctl_arguments_parse(int argc, char *argv[], const struct mdevctl_version *version,
                            struct mdevctl_arguments *ret) {
        struct parser parser = {
                .arguments = ret,
                .pending = _MDEVCTL_OPTION_INVALID,
                .unchecked = _MDEVCTL_OPTION_INVALID,
        };
        const char *name = argc > 0 ? path_name(argv[0]) : "";
        bool is_lsmdev = strlen(name) >= 6 && streq(name + strlen(name) - 6, "lsmdev");
        int r;

        *ret = (struct mdevctl_arguments) {
                .version = version,
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
                mdevctl_print_help(stderr, version, ret->program, ret->command, false);
                return -EINVAL;
        }
        return check(&parser);
}
