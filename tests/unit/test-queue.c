/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The queues: order, parking, cancelling, deadlines. */

#include "daemon/jobs/queue.h"

#include <errno.h>

#include "common/io.h"
#include "daemon/api/manager.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/fake-manager.h"
#include "tests/unit/test.h"

#define UUID_A "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define UUID_B "00000000-0000-0000-0000-000000000100"

static struct manager *manager;
static uint64_t started[64];
static size_t n_started;

static int set_up(void **state) {
        fake_host_new();
        manager = fake_manager_new();
        n_started = 0;
        return 0;
}

static int tear_down(void **state) {
        fake_manager_free(manager);
        fake_host_free();
        return 0;
}

static void start_and_finish(struct job *job) {
        started[n_started++] = job->id;
        job_finish(job, JOB_DONE);
}

static void start_and_park(struct job *job) {
        started[n_started++] = job->id;
        job_park(job, USEC_INFINITY);
}

static const struct job_type type_finish = { .name = "finish", .size = sizeof(struct job), .start = start_and_finish };
static const struct job_type type_park = { .name = "park", .size = sizeof(struct job), .start = start_and_park };

static struct job *submit(const struct job_type *type, const char *uuid) {
        struct job *job;

        assert_int_equal(job_new(&job, manager->jobs, type, uuid, NULL, NULL), 0);
        assert_int_equal(job_submit(job), 0);
        /* The table has a reference. */
        job_unref(job);
        return job;
}

static void turn(void) {
        while (sd_event_run(manager->event, 0) > 0)
                ;
}

static void test_fifo(void **state) {
        for (int i = 0; i < 20; i++)
                submit(&type_finish, UUID_A);
        assert_int_equal(n_started, 0);

        turn();
        assert_int_equal(n_started, 20);
        for (size_t i = 1; i < n_started; i++)
                assert_true(started[i] > started[i - 1]);
        assert_int_equal(jobs_count(manager->jobs), 0);
        assert_null(manager->jobs->queues);
}

static void test_head_blocks_its_uuid_alone(void **state) {
        struct job *a = submit(&type_park, UUID_A);

        submit(&type_finish, UUID_A);
        submit(&type_finish, UUID_B);
        turn();
        assert_int_equal(n_started, 2);
        assert_int_equal(jobs_count(manager->jobs), 2);

        job_finish(a, JOB_DONE);
        turn();
        assert_int_equal(n_started, 3);
        assert_int_equal(jobs_count(manager->jobs), 0);
}

static void test_kick_starts_a_parked_head_again(void **state) {
        struct job *a = submit(&type_park, UUID_A);

        turn();
        queue_kick(manager->jobs, UUID_A);
        queue_kick(manager->jobs, UUID_A);
        queue_kick(manager->jobs, UUID_B);
        turn();
        assert_int_equal(n_started, 2);
        assert_true(started[0] == a->id && started[1] == a->id);
}

static void test_cancel_in_the_middle(void **state) {
        struct job *a = submit(&type_park, UUID_A), *b = submit(&type_finish, UUID_A);

        submit(&type_finish, UUID_A);
        turn();
        assert_int_equal(job_cancel(b), 0);
        turn();
        /* The head has not been touched by it. */
        assert_int_equal(n_started, 1);
        assert_int_equal(job_cancel(a), 0);
        turn();
        assert_int_equal(n_started, 2);
        assert_int_equal(jobs_count(manager->jobs), 0);
}

static void run(struct job *job) {
        job_set_state(job, JOB_STARTING);
        job_set_state(job, JOB_READY);
        job_set_state(job, JOB_RUNNING);
}

static void test_running_is_not_cancelled(void **state) {
        struct job *a = submit(&type_park, UUID_A);

        turn();
        run(a);
        assert_int_equal(job_cancel(a), -EBUSY);
        assert_ptr_equal(queue_head(manager->jobs, UUID_A), a);
}

static void test_deadline_of_a_waiting_job(void **state) {
        struct job *a = submit(&type_park, UUID_A), *b = submit(&type_finish, UUID_A);
        uint64_t begin = now_usec();

        assert_int_equal(job_set_timeout(b, 50 * USEC_PER_MSEC), 0);
        while (jobs_count(manager->jobs) > 1)
                sd_event_run(manager->event, USEC_PER_SEC);
        assert_true(now_usec() - begin >= 50 * USEC_PER_MSEC);
        assert_ptr_equal(queue_head(manager->jobs, UUID_A), a);
        assert_int_equal(n_started, 1);
}

static void test_deadline_of_a_running_job(void **state) {
        struct job *a = submit(&type_park, UUID_A);

        submit(&type_finish, UUID_A);
        turn();
        run(a);
        assert_int_equal(job_set_timeout(a, 1), 0);
        while (a->result == JOB_UNDECIDED)
                sd_event_run(manager->event, USEC_PER_SEC);
        /* It keeps its UUID until its worker is back. */
        turn();
        assert_ptr_equal(queue_head(manager->jobs, UUID_A), a);
        assert_int_equal(a->result, JOB_TIMEOUT);
        assert_int_equal(a->failure.code, FAILURE_JOB_TIMED_OUT);
        assert_int_equal(n_started, 1);
}

static void test_wake_after_a_time(void **state) {
        struct job *a = submit(&type_park, UUID_A);

        turn();
        job_set_state(a, JOB_STARTING);
        job_park(a, 10 * USEC_PER_MSEC);
        while (n_started < 2)
                sd_event_run(manager->event, USEC_PER_SEC);
        assert_true(started[1] == a->id);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_fifo),
                TEST(test_head_blocks_its_uuid_alone),
                TEST(test_kick_starts_a_parked_head_again),
                TEST(test_cancel_in_the_middle),
                TEST(test_running_is_not_cancelled),
                TEST(test_deadline_of_a_waiting_job),
                TEST(test_deadline_of_a_running_job),
                TEST(test_wake_after_a_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
