/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changes of a definition: applied in order, and the same after a journey to a worker. */

#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include <json-c/json.h>

#include "common/definition-changes.h"

/* "a=1 b=2", from the definition. */
static const char *attributes_of(const struct definition *definition) {
        const struct attributes *attributes = definition_attributes(definition);
        static char text[256];
        size_t n = 0;

        text[0] = '\0';
        for (size_t i = 0; i < attributes->n; i++)
                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s=%s", i > 0 ? " " : "",
                                       attributes->items[i].name, attributes->items[i].value);
        return text;
}

static struct definition *new_definition(void) {
        _cleanup_attributes_ struct attributes attributes = {};
        struct definition *definition;

        assert_int_equal(attributes_append(&attributes, "a", "1"), 0);
        assert_int_equal(attributes_append(&attributes, "b", "2"), 0);
        assert_int_equal(definition_new("mtty-1", START_MANUAL, &attributes, &definition), 0);
        return definition;
}

/* As the worker gets them. */
static void travel(struct definition_changes *changes) {
        json_object *object = definition_changes_to_json(changes), *parsed;

        parsed = json_tokener_parse(json_object_to_json_string(object));
        definition_changes_clear(changes);
        assert_int_equal(definition_changes_from_json(parsed, changes), 0);
        json_object_put(parsed);
        json_object_put(object);
}

static void test_nothing_changes_nothing(void **state) {
        _cleanup_definition_ struct definition *definition = new_definition();
        _cleanup_definition_changes_ struct definition_changes changes = {};
        _cleanup_failure_ struct failure failure = {};

        travel(&changes);
        assert_int_equal(definition_changes_apply(&changes, definition, &failure), 0);
        assert_string_equal(definition_type(definition), "mtty-1");
        assert_int_equal(definition_start(definition), START_MANUAL);
        assert_string_equal(attributes_of(definition), "a=1 b=2");
}

static void test_each_part(void **state) {
        _cleanup_definition_ struct definition *definition = new_definition();
        _cleanup_definition_changes_ struct definition_changes changes = { .start = START_AUTO, .set_start = true };
        _cleanup_failure_ struct failure failure = {};

        changes.type = strdup("mtty-2");
        changes.set_attributes = true;
        assert_int_equal(attributes_append(&changes.attributes, "x", "é\"\\\n"), 0);
        travel(&changes);
        assert_int_equal(definition_changes_apply(&changes, definition, &failure), 0);
        assert_string_equal(definition_type(definition), "mtty-2");
        assert_int_equal(definition_start(definition), START_AUTO);
        assert_string_equal(attributes_of(definition), "x=é\"\\\n");
}

/* Indices are those at their turn, and a replaced list comes first. */
static void test_list_in_order(void **state) {
        static const struct {
                bool add;
                int index;
                const char *name;
                const char *result;
        } steps[] = {
                { true, 0, "first", "first=v a=1 b=2" },
                { true, -1, "last", "first=v a=1 b=2 last=v" },
                { false, 1, NULL, "first=v b=2 last=v" },
                { false, -1, NULL, "first=v b=2" },
                { true, 2, "end", "first=v b=2 end=v" },
        };

        for (size_t n = 1; n <= ELEMENTSOF(steps); n++) {
                _cleanup_definition_ struct definition *definition = new_definition();
                _cleanup_definition_changes_ struct definition_changes changes = {};
                _cleanup_failure_ struct failure failure = {};

                for (size_t i = 0; i < n; i++)
                        assert_int_equal(definition_changes_add(&changes, steps[i].add, steps[i].index, steps[i].name,
                                                                steps[i].add ? "v" : NULL), 0);
                travel(&changes);
                assert_int_equal(definition_changes_apply(&changes, definition, &failure), 0);
                assert_string_equal(attributes_of(definition), steps[n - 1].result);
        }
}

static void test_no_such_place(void **state) {
        static const struct {
                bool add;
                int index;
        } steps[] = {
                { true, 3 }, { false, 2 }, { true, -2 }, { false, -2 }, { true, INT32_MAX }, { false, INT32_MIN }
        };

        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                _cleanup_definition_ struct definition *definition = new_definition();
                _cleanup_definition_changes_ struct definition_changes changes = {};
                _cleanup_failure_ struct failure failure = {};

                assert_int_equal(definition_changes_add(&changes, steps[i].add, steps[i].index,
                                                        steps[i].add ? "x" : NULL, steps[i].add ? "v" : NULL), 0);
                travel(&changes);
                assert_int_equal(definition_changes_apply(&changes, definition, &failure), -1);
                assert_int_equal(failure.code, FAILURE_INVALID_ARGS);
        }
}

static void test_removing_the_last_of_none(void **state) {
        _cleanup_definition_ struct definition *definition = NULL;
        _cleanup_definition_changes_ struct definition_changes changes = {};
        _cleanup_failure_ struct failure failure = {};

        assert_int_equal(definition_new("mtty-1", START_MANUAL, NULL, &definition), 0);
        assert_int_equal(definition_changes_add(&changes, false, -1, NULL, NULL), 0);
        assert_int_equal(definition_changes_apply(&changes, definition, &failure), 0);
}

static void test_bounded(void **state) {
        _cleanup_definition_ struct definition *definition = new_definition();
        _cleanup_definition_changes_ struct definition_changes changes = {};
        _cleanup_failure_ struct failure failure = {};

        for (size_t i = 0; i < ATTRIBUTES_MAX; i++)
                assert_int_equal(definition_changes_add(&changes, true, -1, "x", "v"), 0);
        assert_int_equal(definition_changes_add(&changes, true, -1, "x", "v"), -E2BIG);
        assert_int_equal(definition_changes_apply(&changes, definition, &failure), -1);
        assert_int_equal(failure.code, FAILURE_LIMITS_EXCEEDED);
}

static void test_nonsense_is_refused(void **state) {
        static const char *const texts[] = {
                "[]", "1", "{\"type\": 1}", "{\"start\": \"sometimes\"}", "{\"start\": 1}", "{\"start\": null}",
                "{\"attributes\": {}}", "{\"list\": {}}", "{\"list\": [1]}", "{\"list\": [[]]}",
                "{\"list\": [[1, \"a\"]]}",
                "{\"list\": [[\"0\"]]}", "{\"list\": [[0, \"a\", 1]]}", "{\"list\": [[0, \"a\", \"b\", \"c\"]]}",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                struct definition_changes changes = {};
                json_object *object = json_tokener_parse(texts[i]);

                assert_int_equal(definition_changes_from_json(object, &changes), -EBADMSG);
                assert_null(changes.type);
                json_object_put(object);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_changes_nothing),
                cmocka_unit_test(test_each_part),
                cmocka_unit_test(test_list_in_order),
                cmocka_unit_test(test_no_such_place),
                cmocka_unit_test(test_removing_the_last_of_none),
                cmocka_unit_test(test_bounded),
                cmocka_unit_test(test_nonsense_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
