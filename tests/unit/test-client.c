/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What mediatectl makes of words, durations, cut down UUIDs, and signals. */

#include <errno.h>
#include <json-c/json_tokener.h>

#include "client/mediatectl/duration.h"
#include "client/mediatectl/events.h"
#include "client/output/uuid-prefix.h"
#include "client/shared/suggest.h"
#include "tests/unit/test.h"

static const char *const verbs[] = { "list", "tree", "start", "stop", "undefine", "define", "enable", "disable" };

static const char *nearest(const char *word) {
        return suggest_nearest(word, verbs, ELEMENTSOF(verbs), SUGGEST_WORD(word));
}

static void test_suggest(void **state) {
        assert_string_equal(nearest("lsit"), "list");
        assert_string_equal(nearest("stpo"), "stop");
        assert_string_equal(nearest("strat"), "start");
        assert_string_equal(nearest("undefin"), "undefine");
        assert_string_equal(nearest("enabel"), "enable");
        assert_string_equal(nearest("tre"), "tree");
        assert_null(nearest("explode"));
        assert_null(nearest("x"));
        assert_null(nearest(""));
        /* Longer than what is compared. */
        assert_null(nearest("listlistlistlistlistlistlistlistlistlistlistlistlistlistlistlistlistlist"));
}

static void test_suggest_list(void **state) {
        static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n" };
        static const struct {
                size_t n;
                const char *text;
        } lists[] = {
                { 0, "" },
                { 1, "a" },
                { 12, "a, b, c, d, e, f, g, h, i, j, k, l" },
                { 14, "a, b, c, d, e, f, g, h, i, j, k, l and 2 more" },
        };

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                _cleanup_free_ char *text = suggest_list(names, lists[i].n);

                assert_string_equal(text, lists[i].text);
        }
}

static void test_duration(void **state) {
        static const struct {
                const char *text;
                uint64_t usec;
        } good[] = {
                { "90", 90000000 },     { "0", 0 },           { "1.5s", 1500000 },       { "200ms", 200000 },
                { "7us", 7 },           { "2min", 120000000 }, { "2m", 120000000 },      { "1h", UINT64_C(3600000000) },
                { "infinity", 0 },      { "3sec", 3000000 },
        };
        static const char *const bad[] = { "", " 5", "-1", "+1", "x", "5 s", "5parsecs", "0x10", "nan", "inf", "." };
        uint64_t usec;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                assert_int_equal(duration_parse(good[i].text, &usec), 0);
                assert_int_equal(usec, good[i].usec);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(duration_parse(bad[i], &usec), -EINVAL);
        assert_int_equal(duration_parse("99999999999h", &usec), -ERANGE);
}

#define UUID_A "0aaade77-7b3e-4341-a89b-a997634d3bba"
#define UUID_B "0aaade77-8b3e-4341-a89b-a997634d3bba"
#define UUID_C "f0000000-0000-0000-0000-000000000001"

static void test_prefix(void **state) {
        static const char *const bad[] = { "", "g", "0aaade77x", "0aaade777", "-", UUID_A "0", "0aaade77-7b3e4" };
        char prefix[UUID_TEXT_SIZE];

        assert_int_equal(uuid_prefix_normalize("0AAADE77-7b", prefix), 0);
        assert_string_equal(prefix, "0aaade77-7b");
        assert_int_equal(uuid_prefix_normalize(UUID_A, prefix), 0);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(uuid_prefix_normalize(bad[i], prefix), -EINVAL);
}

static void test_find(void **state) {
        static const char *const uuids[] = { UUID_A, UUID_B, UUID_C, UUID_A };
        const char *found = NULL, *other = NULL;

        assert_int_equal(uuid_prefix_find("f", uuids, 4, &found, &other), 0);
        assert_string_equal(found, UUID_C);
        /* Defined under two parents, it is still one UUID. */
        assert_int_equal(uuid_prefix_find("0aaade77-7", uuids, 4, &found, &other), 0);
        assert_string_equal(found, UUID_A);
        assert_int_equal(uuid_prefix_find("1", uuids, 4, &found, &other), -ENOENT);
        assert_int_equal(uuid_prefix_find("0a", uuids, 4, &found, &other), -ENOTUNIQ);
        assert_string_equal(found, UUID_A);
        assert_string_equal(other, UUID_B);
}

static void test_length(void **state) {
        const char *near[] = { UUID_C, UUID_B, UUID_A, UUID_B }, *far[] = { UUID_C, UUID_A };

        assert_int_equal(uuid_prefix_length(near, 4), 10);
        assert_int_equal(uuid_prefix_length(far, 2), 8);
        assert_int_equal(uuid_prefix_length(NULL, 0), 8);
}

static void test_event_path(void **state) {
        struct event event = {};

        assert_int_equal(event_from_path("/org/mediated1/parent/_30000_3a41_3a00_2e4", &event), 1);
        assert_string_equal(event.object, "parent");
        assert_string_equal(event.subject, "0000:41:00.4");
        event_clear(&event);
        assert_int_equal(event_from_path("/org/mediated1/definition/mtty/f0", &event), 1);
        assert_string_equal(event.object, "definition");
        assert_string_equal(event.parent, "mtty");
        assert_string_equal(event.subject, "f0");
        event_clear(&event);
        assert_int_equal(event_from_path("/org/mediated1", &event), 0);
        assert_int_equal(event_from_path("/org/freedesktop/DBus", &event), 0);
}

static void assert_line(struct event event, const char *properties, const char *expected) {
        char *line;

        event.properties = json_tokener_parse(properties);
        assert_int_equal(event_format(&event, &line), 0);
        assert_string_equal(line, expected);
        free(line);
        json_object_put(event.properties);
}

static void test_event_line(void **state) {
        char name[] = "mtty", uuid[] = UUID_C;

        assert_line((struct event) { .object = "parent", .subject = name, .event = "changed" },
                    "{\"Types\":{\"mtty-1\":{\"AvailableInstances\":23},\"mtty-2\":{}}}",
                    "parent     mtty changed: mtty-1 23, mtty-2 ?");
        assert_line((struct event) { .object = "device", .subject = uuid, .event = "added" },
                    "{\"UUID\":\"" UUID_C "\",\"ParentName\":\"mtty\",\"Type\":\"mtty-1\",\"State\":\"active\"}",
                    "device     " UUID_C " added, on mtty, mtty-1, active");
        /* A driver's newline makes no second line. */
        assert_line((struct event) { .object = "definition", .subject = uuid, .parent = name, .event = "changed" },
                    "{\"StartState\":\"failed\",\"Error\":[\"x\",\"a\\nb\"],\"Active\":false}",
                    "definition " UUID_C " on mtty changed, not active, autostart failed, a b");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_suggest), cmocka_unit_test(test_suggest_list), cmocka_unit_test(test_duration),
                cmocka_unit_test(test_prefix),  cmocka_unit_test(test_find),         cmocka_unit_test(test_length),
                cmocka_unit_test(test_event_path), cmocka_unit_test(test_event_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
