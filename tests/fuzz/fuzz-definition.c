/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever a file in the store contains: it is refused with a reason, or what we would write in its place reads back
 * as the same definition and prints as the same text. */

#include "common/definition.h"
#include "common/utf8.h"

#define MUST(condition)                \
        do {                           \
                if (!(condition))      \
                        abort();       \
        } while (false)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct definition *definition) {
        _cleanup_definition_ struct definition *again = NULL;
        _cleanup_free_ char *first = NULL, *second = NULL;
        struct definition_error error = {};

        /* Indentation alone can carry a text over the limit. */
        if (definition_format(definition, &first) < 0)
                return;
        MUST(utf8_is_valid(first, strlen(first)));
        MUST(definition_parse(first, strlen(first), &again, &error) == 0);
        MUST(streq(definition_type(definition), definition_type(again)));
        MUST(definition_start(definition) == definition_start(again));
        MUST(attributes_equal(definition_attributes(definition), definition_attributes(again)));
        MUST(definition_format(again, &second) == 0);
        MUST(streq(first, second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_definition_ struct definition *definition = NULL;
        struct definition_error error = {};
        int r;

        r = definition_parse((const char *) data, size, &definition, &error);
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
