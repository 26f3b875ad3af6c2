/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The states of a job: which one may follow which, and what the bus sees of them. */

#include "daemon/jobs/job.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "daemon/api/manager.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/fake-manager.h"
#include "tests/unit/test.h"

static struct manager *manager;

static const struct job_type type = { .name = "test", .size = sizeof(struct job) };

static int set_up(void **state) {
        fake_host_new();
        manager = fake_manager_new();
        return 0;
}

static int tear_down(void **state) {
        fake_manager_free(manager);
        fake_host_free();
        return 0;
}

/* The transitions that are allowed, as words of a sentence: FROM, then each TO. */
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
        assert_int_equal(job_new(&job, manager->jobs, &type, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", NULL, NULL), 0);
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
                assert_string_equal(job_state_to_string(i), "waiting");
        for (enum job_state i = JOB_RUNNING; i < JOB_ENDED; i++)
                assert_string_equal(job_state_to_string(i), "running");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_transitions),
                TEST(test_what_the_bus_sees),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
