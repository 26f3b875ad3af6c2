/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever mdevctl is called with: it answers, or says what is wrong, or hands out what the grammar allows and nothing
 * else. The words of the command line end with NUL. */

#include <errno.h>

#include "client/mdevctl/arguments.h"
#include "client/mdevctl/tell.h"
#include "client/mdevctl/uuid.h"
#include "common/utf8.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX 32

/* What it says, without the cost of a file. */
struct capture {
        FILE *stream;
        char *text;
        size_t size;
        FILE *saved;
};

static void capture_begin(struct capture *capture, FILE **stream) {
        *capture = (struct capture) { .saved = *stream };
        capture->stream = open_memstream(&capture->text, &capture->size);
        MUST(capture->stream);
        *stream = capture->stream;
}

static void capture_end(struct capture *capture, FILE **stream) {
        *stream = capture->saved;
        MUST(fclose(capture->stream) == 0);
}

static bool has(const struct mdevctl_arguments *arguments, unsigned int options) {
        return (arguments->given & options) == options;
}

static void check_values(const struct mdevctl_arguments *arguments) {
        for (enum mdevctl_option option = 0; option < _MDEVCTL_OPTION_MAX; option++) {
                const char *value = arguments->values[option];

                MUST(!value || mdevctl_given(arguments, option));
                MUST(!mdevctl_given(arguments, option) || !mdevctl_has_value(option) || value);
                MUST(!value || option == MDEVCTL_JSONFILE || utf8_is_valid(value, strlen(value)));
        }
        MUST(mdevctl_given(arguments, MDEVCTL_UUID) ? uuid_is_normal(arguments->uuid) : !*arguments->uuid);
        MUST(mdevctl_given(arguments, MDEVCTL_INDEX) || arguments->index == 0);
}

static void check_grammar(const struct mdevctl_arguments *arguments) {
        const struct mdevctl_command *command = arguments->command;
        unsigned int any;

        MUST(mdevctl_command_id(command) != MDEVCTL_NO_COMMAND && mdevctl_command_id(command) != MDEVCTL_HELP_COMMAND);
        MUST((arguments->given & ~command->options) == 0);
        MUST(!mdevctl_given(arguments, MDEVCTL_HELP) && !mdevctl_given(arguments, MDEVCTL_VERSION));
        MUST(has(arguments, command->required));
        any = mdevctl_required_any(arguments->version, command);
        MUST(!any || (arguments->given & any));
        MUST(!command->argument == !arguments->argument);
        for (enum mdevctl_option a = 0; a < _MDEVCTL_OPTION_MAX; a++) {
                if (!mdevctl_given(arguments, a))
                        continue;
                MUST(has(arguments, mdevctl_needs(arguments->version, a, arguments->given)));
                MUST((arguments->given & mdevctl_conflicts(arguments->version, a)) == 0);
        }
}

/* Whatever is taken for a UUID has one normal form, and that is taken, too. */
static void check_uuid(const struct mdevctl_version *version, const char *text) {
        char uuid[UUID_TEXT_SIZE], again[UUID_TEXT_SIZE], reason[MDEVCTL_UUID_REASON_SIZE] = "";

        if (mdevctl_uuid_parse(version, text, uuid, reason) < 0) {
                MUST(reason[0] && !uuid_is_normal(text));
                return;
        }
        MUST(uuid_is_normal(uuid));
        MUST(mdevctl_uuid_parse(version, uuid, again, reason) == 0 && streq(uuid, again));
}

static void check_command_line(const struct mdevctl_version *version, int argc, char *argv[]) {
        struct mdevctl_arguments arguments;
        struct capture out, err;
        int r;

        capture_begin(&out, &stdout);
        capture_begin(&err, &stderr);
        r = mdevctl_arguments_parse(argc, argv, version, &arguments);
        capture_end(&err, &stderr);
        capture_end(&out, &stdout);

        MUST((r == 1 && out.size == 0 && err.size == 0) || (r == 0 && out.size > 0 && err.size == 0) ||
             (r == -EINVAL && out.size == 0 && err.size > 0));
        if (r == 1) {
                check_values(&arguments);
                check_grammar(&arguments);
        }
        free(out.text);
        free(err.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = { (const char *) data, size };
        char *argv[WORDS_MAX + 2] = {};
        const struct mdevctl_version *version;
        uint8_t first = input_take_byte(&input);
        int argc = 0;

        argv[argc++] = strdup(first % 4 == 0 ? "/usr/sbin/lsmdev" : "mdevctl");
        version = mdevctl_version_find(first < 128 ? "1.2.0" : "1.4.0");
        while (input.size > 0 && argc <= WORDS_MAX) {
                argv[argc] = input_take_string(&input, '\0');
                check_uuid(version, argv[argc++]);
        }

        check_command_line(version, argc, argv);
        while (argc > 0)
                free(argv[--argc]);
        return 0;
}
