/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What callouts print. */

#include "worker/callout-reply.h"

#include <errno.h>

#include "common/utf8.h"
#include "tests/unit/test.h"

static void test_attributes(void **state) {
        _cleanup_attributes_ struct attributes attributes = {};

        assert_int_equal(callout_reply_attributes("[{\"a\": \"1\"}, {}, {\"b\": \"\\u00e4\", \"a\": \"2\"}]\n",
                                                  &attributes), 1);
        assert_int_equal(attributes.n, 3);
        assert_string_equal(attributes.items[0].value, "1");
        assert_string_equal(attributes.items[1].name, "b");
        assert_string_equal(attributes.items[1].value, "ä");
        assert_string_equal(attributes.items[2].value, "2");
        assert_int_equal(callout_reply_attributes("null\n", &attributes), 0);
}

static void test_attributes_that_are_none(void **state) {
        static const char *const texts[] = {
                "", " ", "{}", "[1]", "[[]]", "[null]", "[{\"a\": 1}]", "[{\"a\": null}]", "[{\"a\": \"1\"}] x",
                "[{\"a\": \"1\"}",
                "[{\"a\": \"\\u0000\"}]", "[{\"a\": \"\xff\"}]", "[{\"a\": \"\\ud800\"}]", "[{\"a\": \"\\ufffe\"}]",
                /* json-c would call it "a". */
                "[{\"a\\u0000b\": \"1\"}]",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_attributes_ struct attributes attributes = {};

                assert_int_equal(callout_reply_attributes(texts[i], &attributes), -EBADMSG);
        }
}

#define SUPPORTS(version, events, actions) \
        "{\"supports\": {\"version\": " version ", \"events\": [" events "], \"actions\": [" actions "]}}"

static void assert_capabilities(const char *text, bool live_modify, bool pre_stop) {
        struct callout_capabilities capabilities;

        assert_true(callout_reply_capabilities(text, &capabilities));
        assert_int_equal(callout_supports(&capabilities, "live", "modify"), live_modify);
        assert_int_equal(callout_supports(&capabilities, "pre", "stop"), pre_stop);
        assert_false(callout_supports(&capabilities, "post", "undefine"));
}

static void test_capabilities(void **state) {
        struct callout_capabilities capabilities;

        assert_capabilities(SUPPORTS("2", "\"pre\", \"live\"", "\"modify\""), true, false);
        assert_capabilities(SUPPORTS("3", "\"pre\"", "\"fly\", \"stop\""), false, true);
        assert_capabilities(SUPPORTS("1", "", ""), false, false);
        assert_false(callout_reply_capabilities(SUPPORTS("\"2\"", "", ""), &capabilities));
        assert_false(callout_reply_capabilities(SUPPORTS("2", "", "1"), &capabilities));
        assert_false(callout_reply_capabilities(SUPPORTS("2", "null", ""), &capabilities));
        assert_false(callout_reply_capabilities("{\"supports\": {\"version\": 2, \"events\": []}}", &capabilities));
        assert_false(callout_reply_capabilities("{\"supports\": {\"events\": [], \"actions\": []}}", &capabilities));
        assert_false(callout_reply_capabilities("{\"supports\": {}}", &capabilities));
        assert_false(callout_reply_capabilities(NULL, &capabilities));
        assert_false(callout_reply_capabilities("", &capabilities));
        assert_false(callout_reply_capabilities("null", &capabilities));
        assert_false(callout_reply_capabilities("[]", &capabilities));
        assert_false(callout_reply_capabilities("{\"supports\": null}", &capabilities));
        assert_false(callout_reply_capabilities("{\"supports\": {}} {", &capabilities));
}

static void test_printable(void **state) {
        static const struct {
                const char *text, *printable, *line;
        } cases[] = {
                { "", "", "" },
                { "a\n\tb ä 漢", "a\n\tb ä 漢", "a  b ä 漢" },
                { "\x1b[2J\x7f\r\x01", "?[2J???", "?[2J???" },
                { "\xc2\x9b" "1m \xc2\xa0", "??1m \xc2\xa0", "??1m \xc2\xa0" },
                { "caf\xe9 \xff\xfe", "caf? ??", "caf? ??" },
                { "cut \xe6\xbc", "cut ??", "cut ??" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[64];

                strcpy(text, cases[i].text);
                utf8_make_printable(text);
                assert_string_equal(text, cases[i].printable);
                strcpy(text, cases[i].text);
                utf8_make_line(text);
                assert_string_equal(text, cases[i].line);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_attributes),
                cmocka_unit_test(test_attributes_that_are_none),
                cmocka_unit_test(test_capabilities),
                cmocka_unit_test(test_printable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
