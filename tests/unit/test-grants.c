/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a grant covers, and what it does not. */

#include <errno.h>

#include "daemon/bus/grants.h"
#include "tests/unit/test.h"

static struct grants *with(const struct need *need) {
        struct grants *grants = calloc(1, sizeof(*grants));

        assert_int_equal(grants_add(grants, need), 0);
        return grants;
}

static void test_of_one_parent_and_type(void **state) {
        _cleanup_(grants_freep) struct grants *grants = with(&(struct need) { ACTION_MANAGE_DEVICES, "mtty", "a" });

        assert_true(grants_cover(grants, ACTION_MANAGE_DEVICES, "mtty", "a"));
        assert_false(grants_cover(grants, ACTION_MANAGE_DEVICES, "mtty", "b"));
        assert_false(grants_cover(grants, ACTION_MANAGE_DEVICES, "other", "a"));
        assert_false(grants_cover(grants, ACTION_MANAGE_DEFINITIONS, "mtty", "a"));
        assert_false(grants_cover(grants, ACTION_MANAGE_DEVICES, "mtty", NULL));
        assert_false(grants_have(grants, &(struct need) { ACTION_MANAGE_DEVICES, NULL, "a" }));
}

/* Not known is a type of its own, and so is no parent. */
static void test_of_what_is_not_known(void **state) {
        _cleanup_(grants_freep) struct grants *grants = with(&(struct need) { ACTION_MANAGE_DEVICES, "mtty", "" });

        assert_true(grants_cover(grants, ACTION_MANAGE_DEVICES, "mtty", NULL));
        assert_false(grants_cover(grants, ACTION_MANAGE_DEVICES, "mtty", "a"));
        assert_false(grants_cover(grants, ACTION_MANAGE_DEVICES, "", NULL));
        assert_int_equal(grants_add(grants, &(struct need) { ACTION_MANAGE_DEVICES, "", "" }), 0);
        assert_true(grants_cover(grants, ACTION_MANAGE_DEVICES, "", NULL));
        assert_false(grants_cover(grants, ACTION_MANAGE_DEVICES, "other", NULL));
}

static void test_of_every_parent(void **state) {
        _cleanup_(grants_freep) struct grants *grants = with(&(struct need) { ACTION_MANAGE_DEFINITIONS, NULL, "" });

        assert_true(grants_cover(grants, ACTION_MANAGE_DEFINITIONS, "mtty", "a"));
        assert_true(grants_cover(grants, ACTION_MANAGE_DEFINITIONS, "", NULL));
        assert_false(grants_cover(grants, ACTION_MANAGE_DEVICES, "mtty", "a"));
        /* But it is not the same as one for a parent. */
        assert_false(grants_have(grants, &(struct need) { ACTION_MANAGE_DEFINITIONS, "mtty", "a" }));
        assert_true(grants_have(grants, &(struct need) { ACTION_MANAGE_DEFINITIONS, NULL, "" }));
}

/* Two grants do not make a third one. */
static void test_of_two(void **state) {
        _cleanup_(grants_freep) struct grants *grants = with(&(struct need) { ACTION_MANAGE_DEVICES, "mtty", "a" });

        assert_int_equal(grants_add(grants, &(struct need) { ACTION_MANAGE_DEVICES, "other", "b" }), 0);
        assert_true(grants_cover(grants, ACTION_MANAGE_DEVICES, "other", "b"));
        assert_false(grants_cover(grants, ACTION_MANAGE_DEVICES, "mtty", "b"));
        assert_false(grants_cover(grants, ACTION_MANAGE_DEVICES, "other", "a"));
}

static void test_of_nobody_and_of_root(void **state) {
        struct grants none = {};

        assert_false(grants_cover(&none, ACTION_MANAGE_DEVICES, "mtty", "a"));
        assert_true(grants_cover(NULL, ACTION_MANAGE_DEVICES, "mtty", "a"));
}

static void test_number(void **state) {
        _cleanup_(grants_freep) struct grants *grants = calloc(1, sizeof(*grants));

        for (int i = 0; i < GRANTS_MAX; i++)
                assert_int_equal(grants_add(grants, &(struct need) { ACTION_MANAGE_DEVICES, "mtty", "a" }), 0);
        assert_int_equal(grants_add(grants, &(struct need) { ACTION_MANAGE_DEVICES, "mtty", "a" }), -E2BIG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_of_one_parent_and_type), cmocka_unit_test(test_of_what_is_not_known),
                cmocka_unit_test(test_of_every_parent),        cmocka_unit_test(test_of_two),
                cmocka_unit_test(test_of_nobody_and_of_root),  cmocka_unit_test(test_number),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
