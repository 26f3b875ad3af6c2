/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of the command line. */

#include "client/mediatectl/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>

#include "client/mediatectl/duration.h"
#include "client/output/tell.h"
#include "client/shared/array.h"

/* What getopt_long() returns for a long option: a number that is no character. */
#define VALUE(option) (0x100 + (option))

/* How many devices --count may ask for: more than any host has, and few enough for the memory. */
#define COUNT_MAX 10000U

static const struct option long_options[] = {
        { "help", no_argument, NULL, VALUE(OPTION_HELP) },
        { "version", no_argument, NULL, VALUE(OPTION_VERSION) },
        { "host", required_argument, NULL, VALUE(OPTION_HOST) },
        { "machine", required_argument, NULL, VALUE(OPTION_MACHINE) },
        { "no-ask-password", no_argument, NULL, VALUE(OPTION_NO_ASK_PASSWORD) },
        { "json", no_argument, NULL, VALUE(OPTION_JSON) },
        { "no-legend", no_argument, NULL, VALUE(OPTION_NO_LEGEND) },
        { "output", required_argument, NULL, VALUE(OPTION_OUTPUT) },
        { "all", no_argument, NULL, VALUE(OPTION_ALL) },
        { "parent", required_argument, NULL, VALUE(OPTION_PARENT) },
        { "wait", no_argument, NULL, VALUE(OPTION_WAIT) },
        { "timeout", required_argument, NULL, VALUE(OPTION_TIMEOUT) },
        { "settle", no_argument, NULL, VALUE(OPTION_SETTLE) },
        { "force", no_argument, NULL, VALUE(OPTION_FORCE) },
        { "auto", no_argument, NULL, VALUE(OPTION_AUTO) },
        { "manual", no_argument, NULL, VALUE(OPTION_MANUAL) },
        { "type", required_argument, NULL, VALUE(OPTION_TYPE) },
        { "add", required_argument, NULL, VALUE(OPTION_ADD) },
        { "index", required_argument, NULL, VALUE(OPTION_INDEX) },
        { "remove", required_argument, NULL, VALUE(OPTION_REMOVE) },
        { "clear", no_argument, NULL, VALUE(OPTION_CLEAR) },
        { "live", no_argument, NULL, VALUE(OPTION_LIVE) },
        { "defined", no_argument, NULL, VALUE(OPTION_DEFINED) },
        { "device", no_argument, NULL, VALUE(OPTION_DEVICE) },
        { "state", required_argument, NULL, VALUE(OPTION_STATE) },
        { "available", no_argument, NULL, VALUE(OPTION_AVAILABLE) },
        { "dry-run", no_argument, NULL, VALUE(OPTION_DRY_RUN) },
        { "count", required_argument, NULL, VALUE(OPTION_COUNT) },
        { "define", no_argument, NULL, VALUE(OPTION_DEFINE) },
        { "by-parent", no_argument, NULL, VALUE(OPTION_BY_PARENT) },
        {},
};

static const char short_options[] = "hH:M:o:ap:t:f";

static enum option_id option_from_short(int c) {
        switch (c) {
        case 'h':
                return OPTION_HELP;
        case 'H':
                return OPTION_HOST;
        case 'M':
                return OPTION_MACHINE;
        case 'o':
                return OPTION_OUTPUT;
        case 'a':
                return OPTION_ALL;
        case 'p':
                return OPTION_PARENT;
        case 't':
                return OPTION_TYPE;
        case 'f':
                return OPTION_FORCE;
        default:
                return _OPTION_MAX;
        }
}

static int parse_index(const char *text, int *ret) {
        char *end;
        long n;

        errno = 0;
        n = strtol(text, &end, 10);
        if (errno > 0 || end == text || *end || n < -1 || n > INT_MAX)
                return tell_usage("'%s' is not the index of an attribute: 0 is the first, -1 the last", text);

        *ret = (int) n;
        return 0;
}

static int parse_remove(struct options *options, const char *text) {
        int *remove = array_add(&options->remove, &options->n_remove, sizeof(*remove));

        return remove ? parse_index(text, remove) : -ENOMEM;
}

static int parse_add(struct options *options, const char *text) {
        _cleanup_free_ char *name = NULL;
        const char *equals = strchr(text, '=');

        if (!equals)
                return tell_usage("--add takes NAME=VALUE, not '%s'", text);
        name = strndup(text, (size_t) (equals - text));
        if (!name)
                return -ENOMEM;
        return attributes_append(&options->add, name, equals + 1);
}

static int parse_count(struct options *options, const char *text) {
        unsigned long n;
        char *end;

        n = strtoul(text, &end, 10);
        if (!isdigit((unsigned char) *text) || *end || n == 0 || n > COUNT_MAX)
                return tell_usage("'%s' is not a number of devices from 1 to %u", text, COUNT_MAX);
        options->count = (unsigned int) n;
        return 0;
}

static int parse_timeout(struct options *options, const char *text) {
        if (duration_parse(text, &options->timeout_usec) < 0)
                return tell_usage("'%s' is not a duration; write '90', '5s', '2min' or 'infinity'", text);
        return 0;
}

static int parse_value(struct options *options, enum option_id option, const char *value) {
        switch (option) {
        case OPTION_HOST:
                options->host = value;
                return 0;
        case OPTION_MACHINE:
                options->machine = value;
                return 0;
        case OPTION_OUTPUT:
                options->output = value;
                return 0;
        case OPTION_PARENT:
                options->parent = value;
                return 0;
        case OPTION_TYPE:
                options->type = value;
                return 0;
        case OPTION_STATE:
                options->state = value;
                return 0;
        case OPTION_TIMEOUT:
                return parse_timeout(options, value);
        case OPTION_ADD:
                return parse_add(options, value);
        case OPTION_COUNT:
                return parse_count(options, value);
        case OPTION_INDEX:
                return parse_index(value, &options->index);
        case OPTION_REMOVE:
                return parse_remove(options, value);
        default:
                return 0;
        }
}

static int check_together(const struct options *options) {
        static const enum option_id pairs[][2] = {
                { OPTION_HOST, OPTION_MACHINE },
                { OPTION_AUTO, OPTION_MANUAL },
        };

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++)
                if (option_given(options, pairs[i][0]) && option_given(options, pairs[i][1]))
                        return tell_usage("--%s and --%s do not go together", long_options[pairs[i][0]].name,
                                          long_options[pairs[i][1]].name);
        return 0;
}

int options_parse(int argc, char *argv[], struct options *options, int *ret_first) {
        int c, r;

        options->index = -1;
        opterr = 0;
        while ((c = getopt_long(argc, argv, short_options, long_options, NULL)) >= 0) {
                enum option_id option = c >= VALUE(0) ? (enum option_id) (c - VALUE(0)) : option_from_short(c);

                if (c == '?' && optopt >= VALUE(0))
                        return tell_usage("--%s: the argument is missing, or there must be none",
                                          long_options[optopt - VALUE(0)].name);
                if (c == '?' && optopt > 0)
                        return tell_usage(option_from_short(optopt) < _OPTION_MAX ? "-%c needs an argument"
                                                                                  : "unknown option -%c",
                                          optopt);
                if (option >= _OPTION_MAX)
                        return tell_usage("unknown option %s", argv[optind - 1]);

                options->given |= OPTION_BIT(option);
                r = parse_value(options, option, optarg);
                if (r != 0)
                        return r;
        }

        *ret_first = optind;
        return check_together(options);
}

int options_check(const struct options *options, const char *verb, uint64_t allowed) {
        for (enum option_id option = 0; option < _OPTION_MAX; option++)
                if (option_given(options, option) && !((allowed | OPTIONS_ALWAYS) & OPTION_BIT(option)))
                        return tell_usage("%s takes no --%s", verb, long_options[option].name);
        return 0;
}

struct table_style options_table(const struct options *options) {
        return (struct table_style) {
                .json = option_given(options, OPTION_JSON),
                .headings = !option_given(options, OPTION_NO_LEGEND),
                .columns = options->output,
        };
}

void options_clear(struct options *options) {
        attributes_clear(&options->add);
        free(options->remove);
        options->remove = NULL;
}

#define BIT(option) OPTION_BIT(OPTION_##option)

/* The lines of the help, each with the options that it explains. */
static const struct {
        uint64_t options;
        const char *text;
} help[] = {
        { BIT(COUNT), "     --count N            create: that many devices, each with a random UUID" },
        { BIT(ALL), "  -a --all                All of them instead of UUIDs or job numbers" },
        { BIT(PARENT), "  -p --parent PARENT      Only what is on this parent or card, or for it" },
        { BIT(DRY_RUN), "     --dry-run            Print what would be done, and do nothing" },
        { BIT(WAIT),
          "     --wait               start: wait for parent, type and an instance; stop: for the device's user" },
        { BIT(TIMEOUT),
          "     --timeout DURATION   Give up after that time (90, 5s, 2min, infinity; default: 90s, wait: 30s)" },
        { BIT(SETTLE), "     --settle             Return once udev has processed the new device" },
        { BIT(FORCE), "  -f --force              Go on when a callout refuses" },
        { BIT(DEFINE), "     --define             create: define the devices as well; --auto implies it" },
        { BIT(AUTO) | BIT(MANUAL), "     --auto --manual      Start the definition with its parent, or not" },
        { BIT(DEVICE), "     --device             define: the arguments are UUIDs of active devices" },
        { BIT(TYPE), "  -t --type TYPE          list: only this type; modify: the new type" },
        { BIT(STATE), "     --state STATE        list: only what is in this state" },
        { BIT(AVAILABLE), "     --available          types: only those of which an instance is available" },
        { BIT(BY_PARENT), "     --by-parent          types, tree: the functions of a card one by one" },
        { BIT(ADD) | BIT(INDEX),
          "     --add NAME=VALUE     modify: one more attribute, at the end or at --index N (repeatable)" },
        { BIT(REMOVE),
          "     --remove N           modify: drop the attribute with that index, -1: the last (repeatable)" },
        { BIT(CLEAR), "     --clear              modify: drop all attributes; set-aside: take it back" },
        { BIT(LIVE) | BIT(DEFINED),
          "     --live --defined     modify: the running device, the definition (default), or both" },
        { BIT(OUTPUT), "  -o --output COLUMN,...  The columns of a table, '+COLUMN,...' for more of them" },
        { BIT(JSON), "     --json               Print JSON" },
        { BIT(NO_LEGEND), "     --no-legend          No headings" },
        { BIT(HOST), "  -H --host [USER@]HOST   The daemon of another host, over ssh" },
        { BIT(MACHINE), "  -M --machine CONTAINER  The daemon in a local container" },
        { BIT(NO_ASK_PASSWORD), "     --no-ask-password    Do not ask for a password" },
        { BIT(HELP), "  -h --help               Show this help, or after a verb the help of this verb" },
        { BIT(VERSION), "     --version            Show the version" },
};

void options_print_help(uint64_t options) {
        printf("Options:\n");
        for (size_t i = 0; i < ELEMENTSOF(help); i++)
                if (help[i].options & options)
                        printf("%s\n", help[i].text);
}
