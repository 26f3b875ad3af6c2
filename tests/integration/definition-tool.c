/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads a definition from stdin, applies the changes of its arguments, prints the file's text: what
 * test_definition_format.py compares with mdevctl's work. Exit status 1: refused, with the reason on stderr. */

#include <errno.h>

#include "common/definition.h"

static int apply(struct definition *definition, char **argument) {
        if (streq(argument[0], "type"))
                return definition_set_type(definition, argument[1]);
        if (streq(argument[0], "start")) {
                definition_set_start(definition, start_mode_from_string(argument[1]));
                return 0;
        }
        if (streq(argument[0], "add"))
                return definition_add_attribute(definition, atoi(argument[1]), argument[2], argument[3]);
        if (streq(argument[0], "remove"))
                return definition_remove_attribute(definition, atoi(argument[1]));
        return -EINVAL;
}

int main(int argc, char **argv) {
        _cleanup_definition_ struct definition *definition = NULL;
        static char buffer[DEFINITION_SIZE_MAX + 1];
        struct definition_error error = {};
        _cleanup_free_ char *text = NULL;
        int r;

        r = definition_parse(buffer, fread(buffer, 1, sizeof(buffer), stdin), &definition, &error);
        if (r < 0) {
                fprintf(stderr, "line %u: %s\n", error.line, error.message);
                return EXIT_FAILURE;
        }
        if (argc > 1)
                r = apply(definition, argv + 1);
        if (r >= 0)
                r = definition_format(definition, &text);
        if (r < 0) {
                fprintf(stderr, "%s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        fputs(text, stdout);
        return EXIT_SUCCESS;
}
