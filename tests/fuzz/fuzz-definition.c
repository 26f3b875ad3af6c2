/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever a file in the store contains: it is refused with a reason, or what we would write in its place reads back
 * as the same definition and prints as the same text. */

#include "common/definition.h"
#include "common/utf8.h"
#include "tests/fuzz/fuzz.h"

static void check_equal(const struct definition *a, const struct definition *b) {
        _cleanup_free_ char *first = NULL, *second = NULL;
        int r;

        MUST(streq(definition_type(a), definition_type(b)));
        MUST(definition_start(a) == definition_start(b));
        MUST(attributes_equal(definition_attributes(a), definition_attributes(b)));
        r = definition_format(a, &first);
        MUST(definition_format(b, &second) == r);
        MUST(r < 0 || streq(first, second));
}

static void check_round_trip(const struct definition *definition) {
        _cleanup_definition_ struct definition *again = NULL;
        _cleanup_free_ char *text = NULL;
        struct definition_error error = {};

        /* Indentation alone can carry a text over the limit. */
        if (definition_format(definition, &text) < 0)
                return;
        MUST(utf8_is_valid(text, strlen(text)));
        MUST(definition_parse(text, strlen(text), &again, &error) == 0);
        check_equal(definition, again);
}

/* What our own layout reads without a JSON parser, the parser reads alike: a space after it is not that layout. */
static void check_both_parsers(const char *text, size_t size, const struct definition *definition) {
        _cleanup_definition_ struct definition *other = NULL;
        _cleanup_free_ char *longer = malloc(size + 1);
        struct definition_error error = {};
        int r;

        MUST(longer);
        memcpy(longer, text, size);
        longer[size] = ' ';
        r = definition_parse(longer, size + 1, &other, &error);
        MUST(definition ? r == 0 || size == DEFINITION_SIZE_MAX : r < 0);
        if (other)
                check_equal(definition, other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_definition_ struct definition *definition = NULL;
        struct definition_error error = {};
        int r;

        r = definition_parse((const char *) data, size, &definition, &error);
        check_both_parsers((const char *) data, size, definition);
        if (r < 0) {
                MUST(!definition);
                MUST(error.message[0] != '\0');
                return 0;
        }

        (void) definition_check(definition, &error);
        check_round_trip(definition);
        MUST(definition_add_attribute(definition, 0, "first", "1") == 0 ||
             definition_attributes(definition)->n == ATTRIBUTES_MAX);
        MUST(definition_remove_attribute(definition, -1) == 1);
        check_round_trip(definition);
        return 0;
}
