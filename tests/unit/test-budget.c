/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Budgets of time, with times that are made up. */

#include "common/macro.h"
#include "daemon/peers/budget.h"
#include "tests/unit/test.h"

static const struct budget_rule rule = { .factor = 10, .burst_usec = 100 * USEC_PER_MSEC };

#define START (1000 * USEC_PER_SEC)

static void test_burst(void **state) {
        struct budget budget = {};

        assert_int_equal(budget_ready(&budget, &rule, START), START);
        budget_charge(&budget, &rule, 99 * USEC_PER_MSEC, START);
        assert_int_equal(budget_ready(&budget, &rule, START), START);
        budget_charge(&budget, &rule, 21 * USEC_PER_MSEC, START);
        /* 20 ms too much, and something must be there to be spent. */
        assert_int_equal(budget_ready(&budget, &rule, START), START + 200 * USEC_PER_MSEC + 10);
}

static void test_comes_back(void **state) {
        struct budget budget = {};
        uint64_t ready;

        budget_charge(&budget, &rule, 120 * USEC_PER_MSEC, START);
        ready = budget_ready(&budget, &rule, START);
        assert_in_range(budget_ready(&budget, &rule, ready - 1), ready, ready + rule.factor);
        assert_int_equal(budget_ready(&budget, &rule, ready), ready);
}

/* However often it is asked: no part of the time is lost between two questions. */
static void test_asked_often(void **state) {
        struct budget budget = {};
        uint64_t ready;

        budget_charge(&budget, &rule, 110 * USEC_PER_MSEC, START);
        ready = budget_ready(&budget, &rule, START);
        for (uint64_t t = START; t < ready; t += 7)
                assert_true(budget_ready(&budget, &rule, t) > t);
        assert_int_equal(budget_ready(&budget, &rule, ready), ready);
}

static void test_small_calls(void **state) {
        struct budget budget = {};

        for (int i = 0; i < 100; i++) {
                assert_int_equal(budget_ready(&budget, &rule, START), START);
                budget_charge(&budget, &rule, 1, START);
        }
        assert_true(budget_ready(&budget, &rule, START) > START);
}

static void test_longest_wait(void **state) {
        struct budget budget = {};

        budget_charge(&budget, &rule, 3600 * USEC_PER_SEC, START);
        assert_in_range(budget_ready(&budget, &rule, START) - START, 1, BUDGET_WAIT_MAX_USEC + rule.factor);
}

static void test_rest(void **state) {
        struct budget budget = {};

        budget_charge(&budget, &rule, 200 * USEC_PER_MSEC, START);
        assert_true(budget_ready(&budget, &rule, START) > START);
        assert_int_equal(budget_ready(&budget, &rule, START + BUDGET_REST_USEC), START + BUDGET_REST_USEC);
        budget_charge(&budget, &rule, 99 * USEC_PER_MSEC, START + BUDGET_REST_USEC);
        assert_int_equal(budget_ready(&budget, &rule, START + BUDGET_REST_USEC), START + BUDGET_REST_USEC);
}

static void test_callers(void **state) {
        struct callers callers = {};
        int a = 0, b = 0, c = 0;

        assert_int_equal(callers_others_usec(&callers, &a), 0);
        callers_note(&callers, &a, 10);
        assert_int_equal(callers_others_usec(&callers, &a), 0);
        assert_int_equal(callers_others_usec(&callers, &b), 10);
        callers_note(&callers, &b, 20);
        callers_note(&callers, &b, 30);
        assert_int_equal(callers_others_usec(&callers, &a), 30);
        assert_int_equal(callers_others_usec(&callers, &b), 10);
        assert_int_equal(callers_others_usec(&callers, &c), 30);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_burst),       cmocka_unit_test(test_comes_back),
                cmocka_unit_test(test_asked_often), cmocka_unit_test(test_small_calls),
                cmocka_unit_test(test_longest_wait), cmocka_unit_test(test_rest),
                cmocka_unit_test(test_callers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
