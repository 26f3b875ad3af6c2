/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Definitions: what is read, what is refused and on which line, and the text to the byte as Debian's mdevctl 1.2.0
 * writes it (tests/integration/test_definition_format.py compares with the program itself). */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/definition.h"
#include "common/json-text.h"

static struct definition *parse(const char *text) {
        struct definition_error error = {};
        struct definition *definition = NULL;
        int r;

        r = definition_parse(text, strlen(text), &definition, &error);
        if (r < 0)
                fail_msg("refused: line %u: %s\n%s", error.line, error.message, text);
        return definition;
}

static void assert_refused(const char *text, size_t size, unsigned line, const char *message) {
        struct definition_error error = {};
        struct definition *definition = NULL;
        int r;

        r = definition_parse(text, size, &definition, &error);
        if (r != -EBADMSG)
                fail_msg("not refused (%d): %.*s", r, (int) size, text);
        assert_null(definition);
        if (error.line != line || !strstr(error.message, message))
                fail_msg("refused on line %u with \"%s\", not on %u with \"%s\": %.*s", error.line, error.message,
                         line, message, (int) size, text);
}

static void assert_text(const struct definition *definition, const char *expected) {
        _cleanup_free_ char *text = NULL;

        assert_int_equal(definition_format(definition, &text), 0);
        assert_string_equal(text, expected);
}

#define PLAIN "{\n  \"mdev_type\": \"mtty-1\",\n  \"start\": \"manual\",\n  \"attrs\": []\n}"

static void test_new(void **state) {
        _cleanup_definition_ struct definition *plain = NULL, *full = NULL;
        _cleanup_attributes_ struct attributes attributes = {};

        assert_int_equal(definition_new("mtty-1", START_MANUAL, NULL, &plain), 0);
        assert_text(plain, PLAIN);

        assert_int_equal(attributes_append(&attributes, "assign_adapter", "5"), 0);
        assert_int_equal(attributes_append(&attributes, "assign_adapter", "6"), 0);
        assert_int_equal(definition_new("vfio_ap-passthrough", START_AUTO, &attributes, &full), 0);
        assert_string_equal(definition_type(full), "vfio_ap-passthrough");
        assert_int_equal(definition_start(full), START_AUTO);
        assert_true(attributes_equal(definition_attributes(full), &attributes));
        assert_text(full, "{\n"
                          "  \"mdev_type\": \"vfio_ap-passthrough\",\n"
                          "  \"start\": \"auto\",\n"
                          "  \"attrs\": [\n"
                          "    {\n"
                          "      \"assign_adapter\": \"5\"\n"
                          "    },\n"
                          "    {\n"
                          "      \"assign_adapter\": \"6\"\n"
                          "    }\n"
                          "  ]\n"
                          "}");
}

static void test_read(void **state) {
        _cleanup_definition_ struct definition *definition = NULL;

        definition = parse(" {\"mdev_type\": \"a\", \"start\": \"auto\",\r\n\t"
                           "\"attrs\": [{\"n/v\": \"1\"}, {\"\": \"\"}]}\n\n");
        assert_string_equal(definition_type(definition), "a");
        assert_int_equal(definition_start(definition), START_AUTO);
        assert_int_equal(definition_attributes(definition)->n, 2);
        assert_string_equal(definition_attributes(definition)->items[0].name, "n/v");
        assert_string_equal(definition_attributes(definition)->items[0].value, "1");
        assert_string_equal(definition_attributes(definition)->items[1].name, "");
}

/* Each of these was given to Debian's mdevctl 1.2.0, which answered as stated. */
static void test_start_is_read_as_by_mdevctl(void **state) {
        static const struct {
                const char *text;
                enum start_mode start;
        } samples[] = {
                { "{\"mdev_type\":\"a\",\"start\":\"auto\"}", START_AUTO },
                { "{\"mdev_type\":\"a\",\"start\":\"manual\"}", START_MANUAL },
                { "{\"mdev_type\":\"a\",\"start\":\"Auto\"}", START_MANUAL },
                { "{\"mdev_type\":\"a\",\"start\":\"auto \"}", START_MANUAL },
                { "{\"mdev_type\":\"a\",\"start\":\"\"}", START_MANUAL },
                { "{\"mdev_type\":\"a\",\"start\":5}", START_MANUAL },
                { "{\"mdev_type\":\"a\",\"start\":true}", START_MANUAL },
                { "{\"mdev_type\":\"a\",\"start\":[\"auto\"]}", START_MANUAL },
                { "{\"mdev_type\":\"a\",\"start\":\"manual\",\"start\":\"auto\"}", START_AUTO },
        };

        for (size_t i = 0; i < ELEMENTSOF(samples); i++) {
                _cleanup_definition_ struct definition *definition = parse(samples[i].text);

                assert_int_equal(definition_start(definition), samples[i].start);
        }
}

static void test_refused_by_meaning(void **state) {
        static const struct {
                const char *text;
                unsigned line;
                const char *message;
        } samples[] = {
                { "[1]", 1, "not an object" },
                { "null", 1, "not an object" },
                { "\"x\"", 1, "not an object" },
                { "{}", 0, "\"mdev_type\" is missing" },
                { "{\"start\":\"auto\"}", 0, "\"mdev_type\" is missing" },
                { "{\"start\":\"auto\",\n\"mdev_type\":null}", 2, "\"mdev_type\" is missing" },
                { "{\"start\":\"auto\",\n\n\"mdev_type\":5}", 3, "\"mdev_type\" is not a string" },
                { "{\"mdev_type\":\"a\"}", 0, "\"start\" is missing" },
                { "{\"mdev_type\":\"a\",\n\"start\":null}", 2, "\"start\" is missing" },
                { "{\"mdev_type\":\"a\",\"start\":\"auto\",\n\"attrs\":{}}", 2, "\"attrs\" is not a list" },
                { "{\"mdev_type\":\"a\",\"start\":\"auto\",\"attrs\":\"\"}", 1, "\"attrs\" is not a list" },
                { "{\"mdev_type\":\"a\",\"start\":\"auto\",\"attrs\":[\n{}]}", 2, "attribute 0 is not an object of" },
                { "{\"mdev_type\":\"a\",\"start\":\"auto\",\"attrs\":[\n1]}", 2, "attribute 0 is not an object of" },
                { "{\"mdev_type\":\"a\",\"start\":\"auto\",\"attrs\":[null]}", 1, "attribute 0 is not an object" },
                { "{\"x\":{\"attrs\":[1,2]},\"mdev_type\":\"a\",\"start\":\"auto\",\"attrs\":[{\"a\":\"1\"},\n"
                  "{\"a\":\"[,{\\\",\"},\n{\"a\":\"1\",\"b\":\"2\"}]}", 3, "attribute 2 is not an object of one key" },
                { "{\"mdev_type\":\"a\",\"start\":\"auto\",\"attrs\":[{\"a\":\"1\"},\n{\"a\":1}]}", 2,
                  "the value of attribute 1 is not a string" },
                { "{\"mdev_type\":\"a\",\"start\":\"auto\",\"attrs\":[{\"a\":null}]}", 1, "is not a string" },
        };

        for (size_t i = 0; i < ELEMENTSOF(samples); i++)
                assert_refused(samples[i].text, strlen(samples[i].text), samples[i].line, samples[i].message);
}

static void test_refused_by_syntax(void **state) {
#define HEAD "{\"mdev_type\":\"a\",\"start\":\"auto\",\n\"x\":"
        static const struct {
                const char *text;
                unsigned line;
                const char *message;
        } samples[] = {
                { "", 1, "unexpected end of file" },
                { " \n ", 2, "unexpected end of file" },
                { "{", 1, "unexpected end of file" },
                { HEAD "1", 2, "unexpected end of file" },
                { HEAD "\"", 2, "without its end" },
                { HEAD "\"\\", 2, "without its end" },
                { HEAD "1}\nx", 3, "unexpected character" },
                { HEAD "1}\n{}", 3, "unexpected character" },
                { HEAD "1}\n}", 3, "unexpected character" },
                { HEAD "1,}", 2, "" },
                { HEAD "[1,]}", 2, "" },
                { HEAD "[1 2]}", 2, "" },
                { HEAD "[1}", 2, "" },
                { HEAD "}", 2, "" },
                { "{,}", 1, "" },
                { "{\"a\" 1}", 1, "" },
                { "{1:1}", 1, "" },
                { HEAD "/* */ 1}", 2, "unexpected character" },
                { HEAD "1} // x", 2, "unexpected character" },
                { HEAD "'x'}", 2, "unexpected character" },
                { "{mdev_type:\"a\"}", 1, "unexpected character" },
                { HEAD "NaN}", 2, "unexpected character" },
                { HEAD "Infinity}", 2, "unexpected character" },
                { HEAD "-Infinity}", 2, "without digits" },
                { HEAD "True}", 2, "unexpected character" },
                { HEAD "nul}", 2, "unexpected character" },
                { HEAD "truefalse}", 2, "" },
                { HEAD "01}", 2, "" },
                { HEAD "-}", 2, "without digits" },
                { HEAD "+1}", 2, "unexpected character" },
                { HEAD ".5}", 2, "unexpected character" },
                { HEAD "1.}", 2, "without digits after its point" },
                { HEAD "1e}", 2, "without digits in its exponent" },
                { HEAD "1e+}", 2, "without digits in its exponent" },
                { HEAD "18446744073709551616}", 2, "more than 64 bits" },
                { HEAD "-9223372036854775809}", 2, "more than 64 bits" },
                { HEAD "100000000000000000000000000000000000000000000}", 2, "more than 64 bits" },
                { HEAD "\"a\nb\"}", 2, "control character" },
                { HEAD "\"a\tb\"}", 2, "control character" },
                { HEAD "\f1}", 2, "unexpected character" },
                { HEAD "\"\\x\"}", 2, "unknown escape" },
                { HEAD "\"\\u12\"}", 2, "four hexadecimal digits" },
                { HEAD "\"\\u0000\"}", 2, "\\u0000" },
                { "{\"a\\u0000b\":1}", 1, "\\u0000" },
                { HEAD "\"\\ud800\"}", 2, "surrogate" },
                { HEAD "\"\\ud800\\n\"}", 2, "surrogate" },
                { HEAD "\"\\ud800\\ud800\"}", 2, "surrogate" },
                { HEAD "\"\\udc00\"}", 2, "surrogate" },
                { HEAD "\"\\ufffe\"}", 2, "noncharacter" },
                { HEAD "\"\\ud83f\\udfff\"}", 2, "noncharacter" },
                { HEAD "\"\xff\"}", 2, "not valid UTF-8" },
                { HEAD "\"\xc0\x80\"}", 2, "not valid UTF-8" },
                { HEAD "\"\xed\xa0\x80\"}", 2, "not valid UTF-8" },
                { HEAD "\"\xf4\x90\x80\x80\"}", 2, "not valid UTF-8" },
                { HEAD "\"\xef\xbf\xbe\"}", 2, "not valid UTF-8" },
                { HEAD "\"\xe2\x82", 2, "not valid UTF-8" },
                { "\xef\xbb\xbf" PLAIN, 1, "unexpected character" },
        };
#undef HEAD

        for (size_t i = 0; i < ELEMENTSOF(samples); i++)
                assert_refused(samples[i].text, strlen(samples[i].text), samples[i].line, samples[i].message);

        assert_refused("{\"mdev_type\":\"a\0\"}", 18, 1, "control character");
        assert_refused(PLAIN "\0", sizeof(PLAIN), 5, "unexpected character");
}

/* A definition with @depth levels of nesting, the outermost object being one, and @value in the innermost. */
static char *nested(size_t depth, const char *value) {
        static const char head[] = "{\"mdev_type\":\"a\",\"start\":\"auto\",\"x\":";
        char *text, *p;

        text = calloc(1, sizeof(head) + 2 * depth + strlen(value));
        assert_non_null(text);
        p = stpcpy(text, head);
        for (size_t i = 1; i < depth; i++)
                *p++ = '[';
        p = stpcpy(p, value);
        for (size_t i = 1; i < depth; i++)
                *p++ = ']';
        *p = '}';
        return text;
}

static void test_depth(void **state) {
        _cleanup_free_ char *deepest = nested(JSON_TEXT_DEPTH_MAX, "1"), *absurd = nested(20000, ""),
                            *too_deep = nested(JSON_TEXT_DEPTH_MAX + 1, "");
        _cleanup_definition_ struct definition *definition = NULL, *again = NULL;
        _cleanup_free_ char *text = NULL;

        definition = parse(deepest);
        assert_int_equal(definition_format(definition, &text), 0);
        again = parse(text);
        assert_refused(too_deep, strlen(too_deep), 1, "nested too deeply");
        assert_refused(absurd, strlen(absurd), 1, "nested too deeply");
        for (char *p = strchr(absurd, '['); *p; p++)
                *p = '[';
        assert_refused(absurd, strlen(absurd), 1, "nested too deeply");
}

static void test_size(void **state) {
        _cleanup_free_ char *text = calloc(1, DEFINITION_SIZE_MAX + 2);
        _cleanup_definition_ struct definition *definition = NULL, *large = NULL;
        _cleanup_free_ char *value = calloc(1, ATTRIBUTE_VALUE_SIZE_MAX + 1), *formatted = NULL;
        struct definition_error error = {};

        assert_non_null(text);
        assert_non_null(value);
        memset(text, ' ', DEFINITION_SIZE_MAX + 1);
        memcpy(text, PLAIN, strlen(PLAIN));
        assert_int_equal(definition_parse(text, DEFINITION_SIZE_MAX + 1, &definition, &error), -EFBIG);
        assert_string_equal(error.message, "larger than 64 KiB");
        assert_int_equal(definition_parse(text, DEFINITION_SIZE_MAX, &definition, &error), 0);

        assert_int_equal(definition_new("a", START_AUTO, NULL, &large), 0);
        memset(value, 'v', ATTRIBUTE_VALUE_SIZE_MAX);
        for (size_t i = 0; i < 16; i++)
                assert_int_equal(definition_add_attribute(large, -1, "a", value), 0);
        assert_int_equal(definition_format(large, &formatted), -EFBIG);
        assert_int_equal(definition_remove_attribute(large, -1), 1);
        assert_int_equal(definition_format(large, &formatted), 0);
}

static void test_number_of_attributes(void **state) {
        _cleanup_free_ char *text = calloc(1, DEFINITION_SIZE_MAX);
        _cleanup_definition_ struct definition *definition = NULL;
        static const char item[] = "{\"a\":\"1\"}";
        char *p = text;

        assert_non_null(text);
        p = stpcpy(p, "{\"mdev_type\":\"a\",\"start\":\"auto\",\"attrs\":[\n");
        for (size_t i = 0; i < ATTRIBUTES_MAX; i++)
                p = stpcpy(stpcpy(p, i > 0 ? "," : ""), item);
        strcpy(p, "]}");
        definition = parse(text);
        assert_int_equal(definition_attributes(definition)->n, ATTRIBUTES_MAX);

        p = stpcpy(stpcpy(p, ",\n"), item);
        p = stpcpy(p, "]}");
        assert_refused(text, (size_t) (p - text), 3, "more than 1024 attributes");
}

static void test_changes(void **state) {
        _cleanup_definition_ struct definition *definition = parse(PLAIN);
        _cleanup_attributes_ struct attributes attributes = {};

        assert_int_equal(definition_set_type(definition, "mtty-2"), 0);
        definition_set_start(definition, START_AUTO);
        assert_int_equal(definition_add_attribute(definition, -1, "b", "2"), 0);
        assert_int_equal(definition_add_attribute(definition, 0, "a", "1"), 0);
        assert_int_equal(definition_add_attribute(definition, 2, "c", "3"), 0);
        assert_int_equal(definition_add_attribute(definition, 4, "d", "4"), -ERANGE);
        assert_int_equal(definition_add_attribute(definition, -2, "d", "4"), -ERANGE);
        assert_text(definition, "{\n  \"mdev_type\": \"mtty-2\",\n  \"start\": \"auto\",\n  \"attrs\": [\n"
                                "    {\n      \"a\": \"1\"\n    },\n    {\n      \"b\": \"2\"\n    },\n"
                                "    {\n      \"c\": \"3\"\n    }\n  ]\n}");

        assert_int_equal(definition_remove_attribute(definition, 3), -ERANGE);
        assert_int_equal(definition_remove_attribute(definition, -2), -ERANGE);
        assert_int_equal(definition_remove_attribute(definition, 0), 1);
        assert_int_equal(definition_remove_attribute(definition, -1), 1);
        assert_int_equal(definition_attributes(definition)->n, 1);
        assert_string_equal(definition_attributes(definition)->items[0].name, "b");
        assert_int_equal(definition_remove_attribute(definition, -1), 1);
        assert_int_equal(definition_remove_attribute(definition, -1), 0);

        assert_int_equal(attributes_append(&attributes, "x", "y"), 0);
        assert_int_equal(definition_set_attributes(definition, &attributes), 0);
        assert_true(attributes_equal(definition_attributes(definition), &attributes));
}

static void test_what_is_not_known_survives(void **state) {
        _cleanup_definition_ struct definition *definition = NULL;

        definition = parse("{\"comment\":\"é \\u00e9 \\ud83d\\ude00 a/b \\/ \\\\ \\\" \\u001b \\b\\f\\n\\r\\t "
                           "\\u007f\",\n\"start\":\"manual\",\"n\":[0,-1,18446744073709551615,-9223372036854775808,"
                           "1.50,1E5,1e999,"
                           "0.1000000000000000055511151231257827],\"mdev_type\":\"a\",\"e\":[[],{},{\"x\":[]}],"
                           "\"attrs\":[{\"a\":\"1\"}],\"t\":true,\"f\":false,\"z\":null,\"\":{\"k\":1}}");
        assert_int_equal(definition_set_type(definition, "b"), 0);
        definition_set_start(definition, START_AUTO);
        assert_int_equal(definition_remove_attribute(definition, 0), 1);
        assert_text(definition, "{\n"
                                "  \"comment\": \"é é 😀 a/b / \\\\ \\\" \\u001b \\b\\f\\n\\r\\t \x7f\",\n"
                                "  \"start\": \"auto\",\n"
                                "  \"n\": [\n    0,\n    -1,\n    18446744073709551615,\n    -9223372036854775808,\n"
                                "    1.50,\n    1E5,\n    1e999,\n    0.1000000000000000055511151231257827\n  ],\n"
                                "  \"mdev_type\": \"b\",\n"
                                "  \"e\": [\n    [],\n    {},\n    {\n      \"x\": []\n    }\n  ],\n"
                                "  \"attrs\": [],\n"
                                "  \"t\": true,\n"
                                "  \"f\": false,\n"
                                "  \"z\": null,\n"
                                "  \"\": {\n    \"k\": 1\n  }\n"
                                "}");
        assert_int_equal(definition_add_attribute(definition, -1, "a", "2"), 0);
        assert_int_equal(definition_remove_attribute(definition, -1), 1);
}

static void test_keys_that_occur_twice(void **state) {
        _cleanup_definition_ struct definition *definition = NULL;

        definition = parse("{\"mdev_type\":\"a\",\"start\":\"auto\",\"attrs\":[{\"b\":\"1\",\"b\":\"2\"},{\"\":\"\"}],"
                           "\"mdev_type\":\"c\"}");
        assert_text(definition, "{\n  \"mdev_type\": \"c\",\n  \"start\": \"auto\",\n  \"attrs\": [\n"
                                "    {\n      \"b\": \"2\"\n    },\n    {\n      \"\": \"\"\n    }\n  ]\n}");
}

static void test_missing_attributes_are_written(void **state) {
        _cleanup_definition_ struct definition *absent = NULL, *null = NULL, *moved = NULL;

        absent = parse("{\"mdev_type\":\"mtty-1\",\"start\":\"manual\"}");
        assert_text(absent, PLAIN);
        null = parse("{\"mdev_type\":\"mtty-1\",\"start\":\"manual\",\"attrs\":null}");
        assert_text(null, PLAIN);
        moved = parse("{\"start\":\"manual\",\"mdev_type\":\"mtty-1\"}");
        assert_text(moved, "{\n  \"start\": \"manual\",\n  \"mdev_type\": \"mtty-1\",\n  \"attrs\": []\n}");
}

static void test_json(void **state) {
        _cleanup_definition_ struct definition *definition = NULL;
        _cleanup_json_ json_object *object = NULL;
        _cleanup_free_ char *text = NULL;

        definition = parse("{\"x\":1,\"attrs\":[],\"start\":\"manual\",\"mdev_type\":\"mtty-1\"}");
        assert_int_equal(definition_to_json(definition, &object), 0);
        assert_int_equal(json_text_format(object, &text), 0);
        assert_string_equal(text, PLAIN);
}

/* The caller may print, fill an empty list, and print again. */
static void test_format_twice(void **state) {
        _cleanup_json_ json_object *list = json_object_new_array();
        _cleanup_free_ char *empty = NULL, *filled = NULL;

        assert_int_equal(json_text_format(list, &empty), 0);
        assert_string_equal(empty, "[]");
        assert_int_equal(json_object_array_add(list, json_object_new_object()), 0);
        assert_int_equal(json_text_format(list, &filled), 0);
        assert_string_equal(filled, "[\n  {}\n]");
}

/* Whether both readings of a text, the quick one and the parser's (a space before it), are the same. */
static void assert_read_alike(const char *text) {
        _cleanup_definition_ struct definition *quick = NULL, *parsed = NULL;
        _cleanup_free_ char *with_space = NULL, *a = NULL, *b = NULL;
        struct definition_error error;
        int r, q;

        assert_true(asprintf(&with_space, " %s", text) > 0);
        r = definition_parse(text, strlen(text), &quick, &error);
        q = definition_parse(with_space, strlen(with_space), &parsed, &error);
        if (r != q)
                fail_msg("%d and %d for\n%s", r, q, text);
        if (r < 0)
                return;

        assert_int_equal(definition_format(quick, &a), 0);
        assert_int_equal(definition_format(parsed, &b), 0);
        assert_string_equal(a, b);
}

static void test_backend(void **state) {
        static const char text[] = "{ \"mdev_type\": \"nvidia-1145\", \"start\": \"manual\", \"attrs\": [] }";
        _cleanup_definition_ struct definition *definition = NULL, *again = NULL;
        _cleanup_free_ char *formatted = NULL;
        struct definition_error error;

        assert_int_equal(definition_parse(text, strlen(text), &definition, &error), 0);
        assert_null(definition_backend(definition));
        assert_int_equal(definition_set_backend(definition, "nvidia-vfio"), 0);
        assert_string_equal(definition_backend(definition), "nvidia-vfio");
        assert_int_equal(definition_set_backend(definition, "other"), 0);
        assert_int_equal(definition_format(definition, &formatted), 0);
        assert_string_equal(formatted, "{\n  \"mdev_type\": \"nvidia-1145\",\n  \"start\": \"manual\",\n"
                                       "  \"attrs\": [],\n  \"backend\": \"other\"\n}");
        assert_int_equal(definition_parse(formatted, strlen(formatted), &again, &error), 0);
        assert_string_equal(definition_backend(again), "other");
}

static void test_own_layout(void **state) {
        static const char *const texts[] = {
                "{\n  \"mdev_type\": \"mtty-1\",\n  \"start\": \"auto\",\n  \"attrs\": []\n}",
                "{\n  \"mdev_type\": \"\",\n  \"start\": \"manual\",\n  \"attrs\": [\n    {\n      \"a/b\": "
                "\"1\"\n    }\n  ]\n}",
                ("{\n  \"mdev_type\": \"x\",\n  \"start\": \"other\",\n  \"attrs\": [\n    {\n      \"a\": \"\"\n    "
                 "},\n    {\n      \"a\": \"~ \"\n    }\n  ]\n}"),
        };
        static const char others[] = "\"\\{}[],: \n\t\x7f\xc3z";

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                size_t size = strlen(texts[i]);

                assert_read_alike(texts[i]);
                for (size_t j = 0; j < size; j++) {
                        _cleanup_free_ char *text = strdup(texts[i]), *shorter = strdup(texts[i]);

                        for (size_t k = 0; k < sizeof(others) - 1; k++) {
                                text[j] = others[k];
                                assert_read_alike(text);
                        }
                        memmove(shorter + j, shorter + j + 1, size - j);
                        assert_read_alike(shorter);
                        shorter[j] = '\0';
                        assert_read_alike(shorter);
                }
        }
}

static void test_check(void **state) {
        static const struct {
                const char *text, *message;
        } samples[] = {
                { "{\"mdev_type\":\"a/b\",\"start\":\"auto\"}", "the type contains '/'" },
                { "{\"mdev_type\":\"..\",\"start\":\"auto\"}", "the type has '.' or '..' as a component" },
                { "{\"mdev_type\":\"\",\"start\":\"auto\"}", "the type is empty" },
                { "{\"mdev_type\":\"a\",\"start\":\"auto\",\"attrs\":[{\"a\":\"1\"},{\"../a\":\"1\"}]}",
                  "attribute 1: the name has '.' or '..' as a component" },
                { "{\"mdev_type\":\"a\",\"start\":\"auto\",\"attrs\":[{\"power/control\":\"on\"}]}",
                  "attribute 0: the name belongs to the kernel's driver core" },
        };
        _cleanup_definition_ struct definition *good = parse(PLAIN);
        struct definition_error error = {};

        assert_int_equal(definition_check(good, &error), 0);
        for (size_t i = 0; i < ELEMENTSOF(samples); i++) {
                _cleanup_definition_ struct definition *definition = parse(samples[i].text);

                assert_int_equal(definition_check(definition, &error), -EINVAL);
                assert_int_equal(error.line, 0);
                if (strncmp(error.message, samples[i].message, strlen(samples[i].message)) != 0)
                        fail_msg("\"%s\", not \"%s\"", error.message, samples[i].message);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_new),
                cmocka_unit_test(test_read),
                cmocka_unit_test(test_start_is_read_as_by_mdevctl),
                cmocka_unit_test(test_refused_by_meaning),
                cmocka_unit_test(test_refused_by_syntax),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_size),
                cmocka_unit_test(test_number_of_attributes),
                cmocka_unit_test(test_changes),
                cmocka_unit_test(test_what_is_not_known_survives),
                cmocka_unit_test(test_keys_that_occur_twice),
                cmocka_unit_test(test_missing_attributes_are_written),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_format_twice),
                cmocka_unit_test(test_own_layout),
                cmocka_unit_test(test_backend),
                cmocka_unit_test(test_check),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
