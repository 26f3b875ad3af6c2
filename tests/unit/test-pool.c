/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pool without processes: which work comes next, how many workers there are, and what becomes of work whose worker
 * is lost. */

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "daemon/workers/pool.h"
#include "tests/unit/test.h"

#define WORKERS_MAX 100

/* A worker whose program is the test. */
struct fake_worker {
        struct worker *worker;
        int fd;                         /* its end of the socket */
};

static sd_event *event;
static struct pool *pool;
static struct fake_worker workers[WORKERS_MAX];
static size_t n_workers;
static int spawn_error;                 /* what spawning fails with, or 0 */

static char reported[256];              /* the UUIDs of works that ended, and how */
static int assign_error;

static int spawn(struct pool *of, sd_event *loop, const char *program, struct worker **ret) {
        int fds[2], r;

        if (spawn_error < 0)
                return spawn_error;
        assert_true(n_workers < WORKERS_MAX);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        r = worker_new(of, loop, fds[0], ret);
        workers[n_workers++] = (struct fake_worker) { *ret, fds[1] };
        return r;
}

static int set_up(void **state) {
        n_workers = 0;
        spawn_error = assign_error = 0;
        reported[0] = '\0';
        assert_true(sd_event_new(&event) >= 0);
        return pool_new(&pool, event, spawn, "");
}

static int tear_down(void **state) {
        pool = pool_free(pool);
        event = sd_event_unref(event);
        for (size_t i = 0; i < n_workers; i++)
                closep(&workers[i].fd);
        return 0;
}

static void run(void) {
        while (sd_event_run(event, 0) > 0)
                ;
}

static void on_report(struct work *work, struct report *report) {
        strcat(reported, work->task.uuid);
        strcat(reported, !report ? "?" : report->kind == REPORT_DONE ? " " : "!");
}

static int on_assigned(struct work *work) {
        return assign_error;
}

#define WORK(name, ...)                                                                                                \
        (struct work) {                                                                                                \
                .task = { .kind = TASK_STOP, .uuid = (char *) (name) }, .on_report = on_report,                        \
                .on_assigned = on_assigned, __VA_ARGS__                                                                \
        }

static void report(struct fake_worker *fake, enum report_kind kind) {
        assert_int_equal(report_send(fake->fd, &(struct report) { .kind = kind }), 0);
        run();
}

/* Returns false if the worker has got no task. */
static bool serve(struct fake_worker *fake) {
        json_object *task = NULL;

        if (message_receive(fake->fd, &task) <= 0)
                return false;
        json_object_put(task);
        report(fake, REPORT_DONE);
        return true;
}

/* The process ends; what it has sent and was sent remains. */
static void die(struct fake_worker *fake) {
        closep(&fake->fd);
        fake->fd = -1;
        run();
        worker_ended(fake->worker);
        run();
}

/* --- the order */

/* One worker does all that is submitted. */
static void serve_all(void) {
        run();
        assert_true(n_workers > 0);
        report(workers, REPORT_HELLO);
        while (serve(workers))
                ;
}

static void test_shares_take_turns(void **state) {
        struct share a = {}, b = {};
        struct work works[] = {
                WORK("a1", .share = &a), WORK("a2", .share = &a), WORK("a3", .share = &a),
                WORK("b1", .share = &b), WORK("b2", .share = &b),
        };

        for (size_t i = 0; i < ELEMENTSOF(works); i++)
                pool_submit(pool, works + i);
        serve_all();
        assert_string_equal(reported, "a1 b1 a2 b2 a3 ");
}

/* A share that was idle has no advantage from that, and none from having had much before. */
static void test_share_that_comes_later(void **state) {
        struct share a = {}, b = {};
        struct work first[] = { WORK("a1", .share = &a), WORK("a2", .share = &a), WORK("a3", .share = &a) };
        struct work later[] = { WORK("b1", .share = &b), WORK("b2", .share = &b), WORK("a4", .share = &a) };

        for (size_t i = 0; i < ELEMENTSOF(first); i++)
                pool_submit(pool, first + i);
        run();
        report(workers, REPORT_HELLO);
        assert_true(serve(workers));
        for (size_t i = 0; i < ELEMENTSOF(later); i++)
                pool_submit(pool, later + i);
        while (serve(workers))
                ;
        assert_string_equal(reported, "a1 a2 b1 a3 b2 a4 ");
}

/* Nobody waits for it. The work of the daemon itself, which has no share, does not queue behind anybody. */
static void test_background_is_last(void **state) {
        struct share a = {};
        struct work works[] = {
                WORK("x", .background = true), WORK("y", .background = true), WORK("a1", .share = &a),
                WORK("own"), WORK("a2", .share = &a),
        };

        for (size_t i = 0; i < ELEMENTSOF(works); i++)
                pool_submit(pool, works + i);
        serve_all();
        assert_string_equal(reported, "own a1 a2 x y ");
}

static void test_withdraw(void **state) {
        struct work works[] = { WORK("a"), WORK("b"), WORK("c", .background = true), WORK("d") };

        for (size_t i = 0; i < ELEMENTSOF(works); i++)
                pool_submit(pool, works + i);
        assert_true(pool_withdraw(pool, works + 1));
        assert_true(pool_withdraw(pool, works + 2));
        assert_false(pool_withdraw(pool, works + 2));
        serve_all();
        assert_string_equal(reported, "a d ");
}

/* --- how many */

static void submit_many(struct work *works, size_t n) {
        for (size_t i = 0; i < n; i++) {
                works[i] = WORK("");
                pool_submit(pool, works + i);
        }
        run();
}

/* As many as there is work, and no more than may be busy. */
static void test_number_of_workers(void **state) {
        struct work works[POOL_BUSY_MAX + 10];

        submit_many(works, 3);
        assert_int_equal(n_workers, 3);
        submit_many(works + 3, ELEMENTSOF(works) - 3);
        assert_int_equal(n_workers, POOL_BUSY_MAX);
}

/* Much work in the background leaves workers to the other work. */
static void test_number_in_background(void **state) {
        struct work works[POOL_BUSY_MAX], other = WORK("other");
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(works); i++) {
                works[i] = WORK("", .background = true);
                pool_submit(pool, works + i);
        }
        run();
        for (size_t i = 0; i < n_workers; i++)
                report(workers + i, REPORT_HELLO);
        for (size_t i = 0; i < ELEMENTSOF(works); i++)
                n += !!works[i].worker;
        assert_int_equal(n, POOL_BACKGROUND_MAX);
        pool_submit(pool, &other);
        run();
        assert_non_null(other.worker);

        /* The driver does not answer. */
        for (size_t i = 0; i < n_workers; i++)
                if (workers[i].worker->work != &other)
                        workers[i].worker->since -= POOL_STUCK_USEC;
        for (size_t i = 0; i < n_workers; i++)
                if (workers[i].worker->work == &other) {
                        serve(workers + i);
                        break;
                }
        run();
        n = 0;
        for (size_t i = 0; i < ELEMENTSOF(works); i++)
                n += !!works[i].worker;
        assert_true(n > POOL_BACKGROUND_MAX);
}

/* Those that are stuck take no place from others. */
static void test_stuck_workers(void **state) {
        struct work works[POOL_BUSY_MAX + 10];

        submit_many(works, POOL_BUSY_MAX);
        for (size_t i = 0; i < POOL_BUSY_MAX; i++)
                report(workers + i, REPORT_HELLO);
        for (size_t i = 0; i < 5; i++)
                workers[i].worker->since -= POOL_STUCK_USEC;
        submit_many(works + POOL_BUSY_MAX, 10);
        assert_int_equal(n_workers, POOL_BUSY_MAX + 5);
}

static void test_idle_worker_is_used_again(void **state) {
        struct work works[] = { WORK("a"), WORK("b") };

        pool_submit(pool, works);
        serve_all();
        pool_submit(pool, works + 1);
        run();
        assert_true(serve(workers));
        assert_int_equal(n_workers, 1);
        assert_string_equal(reported, "a b ");
}

/* --- what goes wrong */

static void test_lost_at_work(void **state) {
        struct work work = WORK("a");
        json_object *task;

        pool_submit(pool, &work);
        run();
        report(workers, REPORT_HELLO);
        assert_int_equal(message_receive(workers[0].fd, &task), 1);
        json_object_put(task);
        die(workers);
        assert_string_equal(reported, "a?");
}

/* What it had not read was not begun: another one does it, and does it first. */
static void test_lost_before_work(void **state) {
        struct work works[] = { WORK("a"), WORK("b") };

        pool_submit(pool, works);
        run();
        report(workers, REPORT_HELLO);
        pool_submit(pool, works + 1);
        die(workers);
        assert_string_equal(reported, "");
        report(workers + 1, REPORT_HELLO);
        while (serve(workers + 1))
                ;
        assert_string_equal(reported, "a b ");
}

/* Its last report is read before its death is believed. */
static void test_lost_after_work(void **state) {
        struct work work = WORK("a");
        json_object *task;

        pool_submit(pool, &work);
        run();
        report(workers, REPORT_HELLO);
        assert_int_equal(message_receive(workers[0].fd, &task), 1);
        json_object_put(task);
        assert_int_equal(report_send(workers[0].fd, &(struct report) { .kind = REPORT_DONE }), 0);
        closep(&workers[0].fd);
        workers[0].fd = -1;
        worker_ended(workers[0].worker);
        assert_string_equal(reported, "a ");
}

static void test_no_process_can_be_started(void **state) {
        struct work works[] = { WORK("a"), WORK("b"), WORK("c"), WORK("d") };

        works[3].task.kind = TASK_RECOVER;
        spawn_error = -EAGAIN;
        for (size_t i = 0; i < ELEMENTSOF(works); i++) {
                assert_string_equal(reported, "");
                pool_submit(pool, works + i);
                run();
        }
        assert_string_equal(reported, "a!b!c!d?");
}

/* Work that cannot be noted is not begun, and its worker is free for the next one. */
static void test_refused_when_assigned(void **state) {
        struct work works[] = { WORK("a"), WORK("b") };

        assign_error = -ENOSPC;
        pool_submit(pool, works);
        run();
        report(workers, REPORT_HELLO);
        assert_string_equal(reported, "a!");
        assign_error = 0;
        pool_submit(pool, works + 1);
        run();
        assert_true(serve(workers));
        assert_string_equal(reported, "a!b ");
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_shares_take_turns),
                TEST(test_share_that_comes_later),
                TEST(test_background_is_last),
                TEST(test_withdraw),
                TEST(test_number_of_workers),
                TEST(test_number_in_background),
                TEST(test_stuck_workers),
                TEST(test_idle_worker_is_used_again),
                TEST(test_lost_at_work),
                TEST(test_lost_before_work),
                TEST(test_lost_after_work),
                TEST(test_no_process_can_be_started),
                TEST(test_refused_when_assigned),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
