/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of names: each once, in slices, and what comes during a list is for the next one. */

#include "daemon/base/worklist.h"

#include "tests/unit/test.h"

static sd_event *event;
static struct worklist *list;

static char looked[4096];       /* the names, each with its detail, and a '|' at the end of a list */
static unsigned int n_looked;
static const char *again;       /* the name that is added again by its own look */
static const char *much;        /* the name that is much work */

static bool look(const char *name, const char *detail, void *userdata) {
        n_looked++;
        strcat(looked, name);
        strcat(looked, detail ? detail : "");
        if (again && streq(name, again))
                assert_int_equal(worklist_add(list, name, NULL, 0), 0);
        return much && streq(name, much);
}

static void on_end(void *userdata) {
        strcat(looked, "|");
}

static int set_up(void **state) {
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(worklist_new(&list, event, "test", look, on_end, NULL), 0);
        *looked = '\0';
        n_looked = 0;
        again = much = NULL;
        return 0;
}

static int tear_down(void **state) {
        worklist_free(list);
        sd_event_unref(event);
        return 0;
}

static void add(const char *name, const char *detail, uint64_t usec) {
        assert_int_equal(worklist_add(list, name, detail, usec), 0);
}

static void turn(void) {
        assert_true(sd_event_run(event, 0) > 0);
}

static void test_each_once(void **state) {
        add("a", "1", 0);
        add("b", NULL, 0);
        add("a", "2", 0);
        assert_true(worklist_has(list, "a") && !worklist_has(list, "c"));
        turn();
        assert_string_equal(looked, "a1b|");
        assert_false(worklist_has(list, "a"));
        assert_int_equal(sd_event_run(event, 0), 0);
}

static void test_own_look_is_for_the_next_list(void **state) {
        again = "a";
        add("a", NULL, 0);
        add("b", NULL, 0);
        turn();
        assert_string_equal(looked, "ab|");
        assert_true(worklist_has(list, "a"));
        again = NULL;
        turn();
        assert_string_equal(looked, "ab|a|");
}

static void test_slices(void **state) {
        char name[8];

        for (int i = 0; i < 100; i++) {
                snprintf(name, sizeof(name), "%d,", i);
                add(name, NULL, 0);
        }
        turn();
        assert_int_equal(n_looked, 64);
        /* It does not push itself in between. */
        add("99,", NULL, 0);
        add("0,", NULL, 0);
        turn();
        assert_int_equal(n_looked, 100);
        turn();
        assert_int_equal(n_looked, 102);
        assert_string_equal(looked + strlen(looked) - strlen("98,99,|99,0,|"), "98,99,|99,0,|");
}

static void test_much_work_ends_a_turn(void **state) {
        much = "b";
        add("a", NULL, 0);
        add("b", NULL, 0);
        add("c", NULL, 0);
        turn();
        assert_string_equal(looked, "ab");
        turn();
        assert_string_equal(looked, "abc|");
}

static void test_earliest_counts(void **state) {
        add("a", NULL, 3600 * USEC_PER_SEC);
        assert_int_equal(sd_event_run(event, 0), 0);
        add("b", NULL, 0);
        turn();
        assert_string_equal(looked, "ab|");
}

static void test_hurry(void **state) {
        assert_false(worklist_hurry(list));
        add("a", NULL, 3600 * USEC_PER_SEC);
        assert_true(worklist_hurry(list));
        turn();
        assert_string_equal(looked, "a|");
        assert_false(worklist_hurry(list));
}

static void test_settle(void **state) {
        again = much = "a";
        add("a", NULL, 3600 * USEC_PER_SEC);
        add("b", NULL, 0);
        worklist_settle(list);
        assert_string_equal(looked, "ab");
        assert_true(worklist_has(list, "a"));

        /* In the middle of a list it is finished, and the next one too. */
        again = NULL;
        add("c", NULL, 0);
        turn();
        add("d", NULL, 3600 * USEC_PER_SEC);
        worklist_settle(list);
        assert_string_equal(looked, "abacd");
        assert_false(worklist_hurry(list));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_once),
                TEST(test_own_look_is_for_the_next_list),
                TEST(test_slices),
                TEST(test_much_work_ends_a_turn),
                TEST(test_earliest_counts),
                TEST(test_hurry),
                TEST(test_settle),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
