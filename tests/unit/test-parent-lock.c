/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lock of a parent that a callout is responsible for, or that holds one device at most. */

#include "daemon/jobs/parent-lock.h"

#include "daemon/jobs/job.h"
#include "daemon/registry/parent.h"
#include "tests/unit/fake-jobs.h"
#include "tests/unit/test.h"

static struct jobs *jobs;

/* What a job that starts does, also when it starts again after it has waited. */
static enum task_kind kind;

static int set_up(void **state) {
        jobs = fake_jobs_new();
        parent_lock_serves(jobs, "matrix");
        kind = TASK_STOP;
        return 0;
}

static int tear_down(void **state) {
        fake_jobs_free(jobs);
        return 0;
}

static void start(struct job *job) {
        job_work(job, &(struct task) { .kind = kind });
}

static void on_report(struct job *job, struct report *report) {
        job_finish(job, JOB_DONE);
}

static const struct job_type type = {
        .name = "test",
        .size = sizeof(struct job),
        .start = start,
        .on_report = on_report,
};

/* Submits a job of that parent, and lets the event loop start it. */
static struct job *submit(const char *parent, uint64_t callout_of) {
        char uuid[UUID_TEXT_SIZE];
        struct job *job;

        uuid_random(uuid);
        assert_int_equal(job_new(&job, jobs, &type, uuid, parent, NULL), 0);
        assert_int_equal(job_set_timeout(job, 3600 * USEC_PER_SEC), 0);
        job->caller.callout_of = callout_of;
        assert_int_equal(job_submit(job), 0);
        job_unref(job);
        fake_jobs_run(jobs);
        return job;
}

static void work(struct job *job) {
        fake_job_assign(job);
        fake_job_report(job, &(struct report) { .kind = REPORT_DONE });
}

static void test_one_after_the_other(void **state) {
        struct job *a = submit("matrix", 0), *b = submit("matrix", 0), *c = submit("matrix", 0);

        assert_int_equal(a->state, JOB_READY);
        assert_int_equal(b->state, JOB_LOCKED_OUT);
        assert_int_equal(c->state, JOB_LOCKED_OUT);
        work(a);
        assert_int_equal(b->state, JOB_READY);
        assert_int_equal(c->state, JOB_LOCKED_OUT);
        work(b);
        assert_int_equal(c->state, JOB_READY);
}

static void test_other_parents_have_none(void **state) {
        struct job *a = submit("mtty", 0), *b = submit("mtty", 0), *c = submit("matrix", 0);

        assert_int_equal(a->state, JOB_READY);
        assert_int_equal(b->state, JOB_READY);
        assert_int_equal(c->state, JOB_READY);
        assert_null(a->parent_lock);
        assert_non_null(c->parent_lock);
}

/* It does not wait for the lock, and does not give it away. */
static void test_job_of_the_owners_callout(void **state) {
        struct job *a = submit("matrix", 0), *b = submit("matrix", a->id), *c = submit("matrix", b->id);

        assert_int_equal(b->state, JOB_READY);
        assert_int_equal(c->state, JOB_LOCKED_OUT);
        work(b);
        assert_int_equal(c->state, JOB_LOCKED_OUT);
        work(a);
        assert_int_equal(c->state, JOB_READY);
}

static void test_one_that_waits_is_canceled(void **state) {
        struct job *a = submit("matrix", 0), *b = submit("matrix", 0), *c = submit("matrix", 0);

        assert_int_equal(job_cancel(b), 0);
        work(a);
        assert_int_equal(c->state, JOB_READY);
        assert_int_equal(jobs_count(jobs), 1);
}

static void test_owner_is_canceled(void **state) {
        struct job *a = submit("matrix", 0), *b = submit("matrix", 0);

        assert_int_equal(job_cancel(a), 0);
        fake_jobs_run(jobs);
        assert_int_equal(b->state, JOB_READY);
}

/* The time of the owner's callouts does not count for those that wait. The time that its driver needs does. */
static void test_deadlines(void **state) {
        struct job *a = submit("matrix", 0), *b = submit("matrix", 0), *c;

        fake_job_assign(a);
        assert_false(a->deadline.paused || b->deadline.paused);
        a->work.on_callout(&a->work, true);
        c = submit("matrix", 0);
        assert_true(a->deadline.paused && b->deadline.paused && c->deadline.paused);
        a->work.on_callout(&a->work, false);
        assert_false(a->deadline.paused || b->deadline.paused || c->deadline.paused);

        a->work.on_callout(&a->work, true);
        assert_true(b->deadline.paused && c->deadline.paused);
        fake_job_report(a, &(struct report) { .kind = REPORT_DONE });
        assert_false(b->deadline.paused || c->deadline.paused);
}

static void test_found_out_by_a_report(void **state) {
        struct job *a = submit("vfio_ap", 0), *b;

        fake_job_assign(a);
        fake_job_report(a, &(struct report) { .kind = REPORT_DONE, .served = true });
        a = submit("vfio_ap", 0);
        b = submit("vfio_ap", 0);
        assert_int_equal(a->state, JOB_READY);
        assert_int_equal(b->state, JOB_LOCKED_OUT);
}

/* Whatever makes or removes its device is alone, and the rest is not. */
static void test_parent_of_one_device(void **state) {
        static const enum task_kind kinds[] = { TASK_CREATE, TASK_STOP, TASK_RECOVER };
        struct job *last, *next;

        assert_non_null(parent_refresh(jobs->registry, FAKE_PARENT_OF_ONE));
        kind = kinds[0];
        last = submit(FAKE_PARENT_OF_ONE, 0);
        assert_int_equal(last->state, JOB_READY);
        for (size_t i = 1; i <= ELEMENTSOF(kinds); i++) {
                kind = kinds[i % ELEMENTSOF(kinds)];
                next = submit(FAKE_PARENT_OF_ONE, 0);
                assert_int_equal(next->state, JOB_LOCKED_OUT);
                kind = TASK_GET_ATTRIBUTES;
                work(submit(FAKE_PARENT_OF_ONE, 0));
                kind = kinds[i % ELEMENTSOF(kinds)];
                work(last);
                assert_int_equal(next->state, JOB_READY);
                last = next;
        }
        work(last);
}

/* A caller that was told of a timeout does not end the work: the worker may be in the driver for ever. */
static void test_lock_of_a_late_worker(void **state) {
        struct job *a, *b;

        assert_non_null(parent_refresh(jobs->registry, FAKE_PARENT_OF_ONE));
        a = submit(FAKE_PARENT_OF_ONE, 0);
        fake_job_assign(a);
        assert_int_equal(sd_event_source_set_time(a->deadline.timer, 0), 0);
        fake_jobs_run(jobs);
        assert_int_equal(a->result, JOB_TIMEOUT);
        b = submit(FAKE_PARENT_OF_ONE, 0);
        assert_int_equal(b->state, JOB_LOCKED_OUT);
        fake_job_report(a, &(struct report) { .kind = REPORT_DONE });
        assert_int_equal(b->state, JOB_READY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_one_after_the_other),
                TEST(test_other_parents_have_none),
                TEST(test_job_of_the_owners_callout),
                TEST(test_one_that_waits_is_canceled),
                TEST(test_owner_is_canceled),
                TEST(test_deadlines),
                TEST(test_found_out_by_a_report),
                TEST(test_parent_of_one_device),
                TEST(test_lock_of_a_late_worker),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
