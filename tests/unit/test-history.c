/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The judge of the storm of calls: it must find out what cannot be true. */

#include "tests/race/history.h"

#include "tests/unit/test.h"

static void add(struct history *history, enum operation_kind kind, enum operation_result result, int client,
                int parent, uint64_t begun, uint64_t ended) {
        struct operation *operation = history_add(history, kind, client, parent, begun);

        assert_non_null(operation);
        operation->result = result;
        operation->ended = ended;
}

static void add_create(struct history *history, enum operation_result result, int parent, uint64_t begun,
                       uint64_t ended) {
        add(history, OPERATION_CREATE, result, (int)history->n, parent, begun, ended);
}

static void add_stop(struct history *history, enum operation_result result, uint64_t begun, uint64_t ended) {
        add(history, OPERATION_STOP, result, (int)history->n, 0, begun, ended);
}

static void add_look(struct history *history, int parent, uint64_t step) {
        add(history, OPERATION_LOOK, RESULT_SUCCESS, -1, parent, step, step);
}

static void test_one_after_the_other(void **state) {
        struct history history = {.start = NOWHERE};

        add_stop(&history, RESULT_NONE, 1, 2);
        add_create(&history, RESULT_SUCCESS, 1, 3, 4);
        add_look(&history, 1, 5);
        add_create(&history, RESULT_EXISTS, 0, 6, 7);
        add_stop(&history, RESULT_SUCCESS, 8, 9);
        add_look(&history, NOWHERE, 10);
        assert_true(history_is_possible(&history));
        history.start = 1;
        assert_false(history_is_possible(&history));
}

static void test_two_creates_at_once(void **state) {
        struct history history = {.start = NOWHERE};

        add_create(&history, RESULT_EXISTS, 0, 1, 5);
        add_create(&history, RESULT_SUCCESS, 1, 2, 6);
        assert_true(history_is_possible(&history));
        /* The loser was told of the wrong parent. */
        history.operations[0].holder = 0;
        assert_false(history_is_possible(&history));
        /* Both have won. */
        history.operations[0].result = RESULT_SUCCESS;
        assert_false(history_is_possible(&history));
}

static void test_acknowledged_and_not_there(void **state) {
        struct history history = {.start = NOWHERE};

        add_create(&history, RESULT_SUCCESS, 0, 1, 2);
        add_look(&history, NOWHERE, 3);
        assert_false(history_is_possible(&history));
}

static void test_stopped_and_still_there(void **state) {
        struct history history = {.start = 0};

        add_stop(&history, RESULT_SUCCESS, 1, 2);
        add_create(&history, RESULT_EXISTS, 1, 3, 4);
        assert_false(history_is_possible(&history));
}

static void test_answer_after_the_fact(void **state) {
        struct history history = {.start = 0};

        /* That there is none was true only before somebody else asked for one. */
        add_stop(&history, RESULT_SUCCESS, 1, 2);
        add_create(&history, RESULT_SUCCESS, 1, 3, 4);
        add_stop(&history, RESULT_NONE, 5, 6);
        assert_false(history_is_possible(&history));
        history.operations[2].begun = 3;
        assert_true(history_is_possible(&history));
}

static void test_stop_of_what_another_removes(void **state) {
        struct history history = {.start = 0};

        /* There was one when it asked. */
        add_stop(&history, RESULT_SUCCESS, 1, 4);
        add_stop(&history, RESULT_SUCCESS, 2, 5);
        assert_true(history_is_possible(&history));
        /* There was none any more. */
        history.operations[1].begun = 5;
        history.operations[1].ended = 6;
        assert_false(history_is_possible(&history));
}

static void test_order_of_one_client(void **state) {
        struct history history = {.start = NOWHERE};

        /* All at once; only the other order explains it. */
        add(&history, OPERATION_CREATE, RESULT_SUCCESS, 3, 0, 1, 10);
        add(&history, OPERATION_STOP, RESULT_NONE, 3, 0, 2, 11);
        add_look(&history, 0, 12);
        assert_false(history_is_possible(&history));
        history.operations[1].client = 4;
        assert_true(history_is_possible(&history));
}

static void test_full(void **state) {
        struct history history = {.start = NOWHERE};

        /* Many that could have been in any order. */
        for (unsigned int i = 0; i < HISTORY_MAX; i++)
                add_create(&history, i == HISTORY_MAX - 1 ? RESULT_SUCCESS : RESULT_EXISTS, 0, 1, 1000);
        assert_null(history_add(&history, OPERATION_STOP, 0, 0, 1));
        assert_true(history_is_possible(&history));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_after_the_other),
                cmocka_unit_test(test_two_creates_at_once),
                cmocka_unit_test(test_acknowledged_and_not_there),
                cmocka_unit_test(test_stopped_and_still_there),
                cmocka_unit_test(test_answer_after_the_fact),
                cmocka_unit_test(test_stop_of_what_another_removes),
                cmocka_unit_test(test_order_of_one_client),
                cmocka_unit_test(test_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
