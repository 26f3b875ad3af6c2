/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job: its states, its references, and what it does when its worker reports. */

#include "daemon/jobs/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "daemon/workers/pool.h"
#include "tests/unit/fake-jobs.h"
#include "tests/unit/test.h"

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

static struct jobs *jobs;
static char ends[64];

static int set_up(void **state) {
        jobs = fake_jobs_new();
        ends[0] = '\0';
        return 0;
}

static int tear_down(void **state) {
        fake_jobs_free(jobs);
        return 0;
}

/* --- a kind that stops when its device is not busy */

static void start(struct job *job) {
        job_work(job, &(struct task) { .kind = TASK_STOP, .inode = 4711 });
}

static void on_report(struct job *job, struct report *report) {
        if (!report)
                job_fail(job, FAILURE_IO_ERROR, "lost");
        else if (report->kind == REPORT_DONE)
                job_finish(job, JOB_DONE);
        else if (job->wait == JOB_WAIT_CANCELED)
                job_end_waiting(job);
        else {
                job->wait = JOB_WAIT_BEGUN;
                job_park(job, USEC_INFINITY);
        }
}

static const struct job_type type = {
        .name = "test",
        .size = sizeof(struct job),
        .tells_interruption = true,
        .task = TASK_STOP,
        .start = start,
        .on_report = on_report,
};

static void on_end(struct job *job, enum job_result result, void *userdata) {
        static const char *const names[] = { "undecided", "done", "failed", "canceled", "timeout" };

        strcat(ends, names[result]);
        strcat(ends, " ");
}

static const struct job_ops ops = { .on_end = on_end };

/* Submits a job, and keeps a reference to it. */
static struct job *submit(void) {
        struct job *job;

        assert_int_equal(job_new(&job, jobs, &type, UUID, "mtty", "mtty-1"), 0);
        job->ops = &ops;
        assert_int_equal(job_submit(job), 0);
        fake_jobs_run(jobs);
        return job;
}

/* --- states */

/* The transitions that are allowed: from the first state to each of the others. */
static const enum job_state transitions[][8] = {
        { JOB_NEW, JOB_QUEUED },
        { JOB_QUEUED, JOB_STARTING, JOB_ENDED },
        { JOB_STARTING, JOB_PARKED, JOB_PARKED_OUTSIDE, JOB_LOCKED_OUT, JOB_READY, JOB_ENDED },
        { JOB_PARKED, JOB_STARTING, JOB_ENDED },
        { JOB_PARKED_OUTSIDE, JOB_QUEUED, JOB_ENDED },
        { JOB_LOCKED_OUT, JOB_STARTING, JOB_ENDED },
        { JOB_READY, JOB_RUNNING, JOB_PARKED, JOB_ENDED },
        { JOB_RUNNING, JOB_RUNNING, JOB_RUNNING_CALLOUTS, JOB_BETWEEN_WORKERS, JOB_PARKED, JOB_PARKED_OUTSIDE,
          JOB_LOCKED_OUT, JOB_ENDED },
        { JOB_RUNNING_CALLOUTS, JOB_RUNNING_CALLOUTS, JOB_BETWEEN_WORKERS, JOB_PARKED, JOB_PARKED_OUTSIDE,
          JOB_LOCKED_OUT, JOB_ENDED },
        { JOB_BETWEEN_WORKERS, JOB_RUNNING, JOB_PARKED, JOB_ENDED },
        { JOB_ENDED },
};

static bool is_allowed(enum job_state from, enum job_state to) {
        for (size_t i = 1; i < ELEMENTSOF(transitions[from]) && transitions[from][i] != JOB_NEW; i++)
                if (transitions[from][i] == to)
                        return true;
        return false;
}

/* Whether a process that does this ends by an assertion. */
static bool asserts(struct job *job, enum job_state from, enum job_state to) {
        int status;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) setrlimit(RLIMIT_CORE, &(struct rlimit) {});
                (void) dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
                (void) signal(SIGABRT, SIG_DFL);
                job->state = from;
                job_set_state(job, to);
                _exit(EXIT_SUCCESS);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_transitions(void **state) {
        struct job *job;

        assert_int_equal(ELEMENTSOF(transitions), _JOB_STATE_MAX);
        assert_int_equal(job_new(&job, jobs, &type, UUID, NULL, NULL), 0);
        assert_int_equal(job->state, JOB_NEW);
        for (enum job_state from = JOB_NEW; from < _JOB_STATE_MAX; from++) {
                assert_int_equal(transitions[from][0], from);
                for (enum job_state to = JOB_NEW; to < _JOB_STATE_MAX; to++)
                        assert_int_equal(asserts(job, from, to), !is_allowed(from, to));
        }
        job_unref(job);
}

static void test_what_the_bus_sees(void **state) {
        for (enum job_state i = JOB_NEW; i < JOB_RUNNING; i++)
                assert_string_equal(job_state_to_string(&(struct job) { .state = i }), "waiting");
        for (enum job_state i = JOB_RUNNING; i < JOB_ENDED; i++)
                assert_string_equal(job_state_to_string(&(struct job) { .state = i }), "running");
}

/* --- references */

static void test_references(void **state) {
        struct job *job = submit();

        /* The test's, the table's, and the pool's. */
        assert_int_equal(job->n_references, 3);
        fake_job_assign(job);
        fake_job_report(job, &(struct report) { .kind = REPORT_DONE });
        assert_int_equal(job->n_references, 1);
        assert_int_equal(job->state, JOB_ENDED);
        assert_int_equal(job->result, JOB_DONE);
        assert_null(jobs_find(jobs, job->id));
        assert_int_equal(jobs_count(jobs), 0);
        job_unref(job);
}

static void test_work_is_taken_back(void **state) {
        struct job *job = submit();

        assert_int_equal(job->state, JOB_READY);
        assert_int_equal(job_cancel(job), 0);
        assert_int_equal(job->n_references, 1);
        assert_false(pool_withdraw(jobs->pool, &job->work));
        assert_string_equal(ends, "canceled ");
        job_unref(job);
}

static void test_all_are_dropped_at_the_end(void **state) {
        struct job *job = submit();

        fake_job_assign(job);
        job_unref(job);
        job_unref(submit());
        assert_int_equal(jobs_count(jobs), 2);
}

/* --- workers */

static void test_task(void **state) {
        struct job *job = submit();
        const struct task *task = &job->work.task;

        assert_int_equal(task->kind, TASK_STOP);
        assert_int_equal(task->inode, 4711);
        assert_int_equal(task->job, job->id);
        assert_string_equal(task->uuid, UUID);
        assert_string_equal(task->parent, "mtty");
        assert_string_equal(task->type, "mtty-1");
        assert_true(job->work.background);
        job_unref(job);
}

static void test_lost_worker(void **state) {
        struct job *job = submit();

        fake_job_assign(job);
        fake_job_report(job, NULL);
        assert_string_equal(ends, "failed ");
        job_unref(job);
}

/* The callouts hear from another worker that the first one was lost. What that one reports does not count. */
static void test_lost_worker_whose_callouts_have_run(void **state) {
        struct job *job = submit();

        fake_job_assign(job);
        job->work.on_callout(&job->work, true);
        assert_int_equal(job->state, JOB_RUNNING_CALLOUTS);
        fake_job_report(job, NULL);
        assert_int_equal(job->state, JOB_BETWEEN_WORKERS);
        assert_true(job->work.task.interrupted);
        assert_string_equal(ends, "");

        fake_job_assign(job);
        fake_job_report(job, &(struct report) { .kind = REPORT_DONE });
        assert_string_equal(ends, "failed ");
        job_unref(job);
}

static void test_running_is_not_canceled(void **state) {
        struct job *job = submit();

        fake_job_assign(job);
        assert_int_equal(job_cancel(job), -EBUSY);
        fake_job_report(job, &(struct report) { .kind = REPORT_DONE });
        assert_string_equal(ends, "done ");
        job_unref(job);
}

/* While a job that waits is tried again, it can be canceled. It ends then, instead of waiting once more. */
static void test_canceled_while_it_is_tried_again(void **state) {
        struct job *job = submit();

        fake_job_assign(job);
        fake_job_report(job, &(struct report) { .kind = REPORT_BUSY });
        assert_int_equal(job->state, JOB_PARKED);
        job_set_state(job, JOB_STARTING);
        start(job);
        fake_job_assign(job);
        assert_int_equal(job_cancel(job), 0);
        assert_string_equal(ends, "");
        fake_job_report(job, &(struct report) { .kind = REPORT_BUSY });
        assert_string_equal(ends, "canceled ");
        job_unref(job);
}

/* The result of a job that is late is known before its end, and whoever submitted it has heard of that. */
static void test_late(void **state) {
        struct job *job = submit();

        fake_job_assign(job);
        job->result = JOB_TIMEOUT;
        job_tell_submitter(job);
        fake_job_report(job, &(struct report) { .kind = REPORT_DONE });
        assert_int_equal(job->result, JOB_TIMEOUT);
        assert_string_equal(ends, "timeout ");
        job_unref(job);
}

static void test_one_that_cleans_up_is_not_canceled(void **state) {
        static const struct job_type cleaner = {
                .name = "test",
                .size = sizeof(struct job),
                .cleans_up = true,
                .start = start,
                .on_report = on_report,
        };
        struct job *job;

        assert_int_equal(job_new(&job, jobs, &cleaner, UUID, NULL, NULL), 0);
        assert_int_equal(job_submit(job), 0);
        assert_int_equal(job_cancel(job), -EBUSY);
        job_unref(job);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_transitions),
                TEST(test_what_the_bus_sees),
                TEST(test_references),
                TEST(test_work_is_taken_back),
                TEST(test_all_are_dropped_at_the_end),
                TEST(test_task),
                TEST(test_lost_worker),
                TEST(test_lost_worker_whose_callouts_have_run),
                TEST(test_running_is_not_canceled),
                TEST(test_canceled_while_it_is_tried_again),
                TEST(test_late),
                TEST(test_one_that_cleans_up_is_not_canceled),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
