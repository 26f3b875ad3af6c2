/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pool of workers. */

#include "daemon/workers/pool.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "common/io.h"
#include "daemon/base/log.h"
#include "daemon/base/timer.h"

/* While there may be workers that are idle for too long, or that become stuck, the pool looks for them this often. */
#define TICK_USEC USEC_PER_SEC
#define TICK_ACCURACY_USEC (USEC_PER_SEC / 4)

/* How long a worker is idle before it is retired, if there are more than POOL_IDLE_MAX. */
#define IDLE_USEC (10 * USEC_PER_SEC)

/* With more workers than this in a row that could not be started, the work that waits for one fails. */
#define START_FAILURES_MAX 3

struct pool {
        sd_event *event;
        worker_spawn_t spawn;
        char *program;
        struct worker *workers[_WORKER_STATE_MAX];      /* by state; the first idle one was used last */
        unsigned int n_workers[_WORKER_STATE_MAX];
        struct work *waiting;
        struct work *background;        /* works that wait until no other work does */
        unsigned int n_waiting;         /* the number of works in both lists */
        uint64_t turn;                  /* the turn of the work that was taken last */
        unsigned int n_start_failures;  /* the number of workers in a row that could not be started */
        int start_error;                /* the error of the last one */
        sd_event_source *dispatch;      /* deferred: hands out what waits */
        sd_event_source *tick;          /* a timer */
};

static unsigned int count_stuck(struct pool *pool) {
        uint64_t t = now_usec();
        struct worker *worker;
        unsigned int n = 0;

        DL_FOREACH(pool->workers[WORKER_BUSY], worker)
                n += t - worker->since >= POOL_STUCK_USEC;
        return n;
}

static unsigned int count_background(struct pool *pool) {
        uint64_t t = now_usec();
        struct worker *worker;
        unsigned int n = 0;

        DL_FOREACH(pool->workers[WORKER_BUSY], worker)
                n += worker->work && worker->work->background && t - worker->since < POOL_STUCK_USEC;
        return n;
}

/* Whether there is work that may be done now. */
static bool has_next(struct pool *pool) {
        return pool->waiting || (pool->background && count_background(pool) < POOL_BACKGROUND_MAX);
}

static void want_tick(struct pool *pool) {
        if (!timer_is_armed(pool->tick))
                timer_arm(pool->tick, TICK_USEC);
}

void pool_move(struct pool *pool, struct worker *worker, enum worker_state state) {
        assert(worker->state != WORKER_RETIRED && worker->state != state);

        if (worker->state == WORKER_STARTING) {
                pool->n_start_failures = state == WORKER_RETIRED ? pool->n_start_failures + 1 : 0;
                pool->start_error = -ECHILD;
        }

        DL_DELETE(pool->workers[worker->state], worker);
        pool->n_workers[worker->state]--;
        worker->state = state;
        worker->since = now_usec();
        DL_PREPEND(pool->workers[state], worker);
        pool->n_workers[state]++;

        if (pool->n_waiting > 0)
                deferred_arm(pool->dispatch);
        if (pool->n_workers[WORKER_IDLE] > POOL_IDLE_MAX)
                want_tick(pool);
}

void pool_remove(struct pool *pool, struct worker *worker) {
        DL_DELETE(pool->workers[worker->state], worker);
        pool->n_workers[worker->state]--;
        worker->prev = worker->next = NULL;
}

static struct work **list_of(struct pool *pool, const struct work *work) {
        return work->background ? &pool->background : &pool->waiting;
}

static void unqueue(struct pool *pool, struct work *work) {
        struct work **list = list_of(pool, work);

        assert(work->queued && pool->n_waiting > 0);

        DL_DELETE(*list, work);
        pool->n_waiting--;
        work->queued = false;
}

static struct work *take_waiting(struct pool *pool) {
        struct work *work = pool->waiting ? pool->waiting : pool->background;

        if (work->turn > pool->turn)
                pool->turn = work->turn;
        unqueue(pool, work);
        return work;
}

/* The caller is told that it was not begun. For a task that cleans up, it is as if its worker had died: it stays to be
 * done. */
static void fail_unbegun(struct work *work, const char *why, int error) {
        _cleanup_report_ struct report report = { .kind = REPORT_FAILED };

        if (work->task.kind == TASK_RECOVER)
                return work->on_report(work, NULL);

        failure_set(&report.failure, FAILURE_IO_ERROR, "%s%s%s did not begin: %s: %s", work->task.uuid ? "Device " : "",
                    work->task.uuid ? work->task.uuid : "", work->task.uuid ? ": the job" : "The job", why,
                    strerror(-error));
        work->on_report(work, &report);
}

static void unassign(struct worker *worker) {
        worker->work->worker = NULL;
        worker->work = NULL;
}

static void assign_first(struct pool *pool) {
        struct worker *worker = pool->workers[WORKER_IDLE];
        struct work *work = take_waiting(pool);
        int r;

        pool_move(pool, worker, WORKER_BUSY);
        worker->work = work;
        work->worker = worker;
        r = work->on_assigned ? work->on_assigned(work) : 0;
        if (r < 0) {
                unassign(worker);
                pool_move(pool, worker, WORKER_IDLE);
                return fail_unbegun(work, "cannot write to /run/mediated", r);
        }
        r = worker_send(worker);
        if (r >= 0)
                return;

        unassign(worker);
        if (r == -ENOMEM) {
                pool_move(pool, worker, WORKER_IDLE);
                return fail_unbegun(work, "cannot send it to a worker", r);
        }
        worker_retire(worker);
        /* The worker was killed while it was idle. */
        if (r == -EPIPE)
                return pool_submit_first(pool, work);
        log_warning_errno(r, "Failed to hand a task to worker %d: %m", (int) worker->pid);
        work->on_report(work, NULL);
}

static int add_worker(struct pool *pool) {
        struct worker *worker;
        int r;

        r = pool->spawn(pool, pool->event, pool->program, &worker);
        if (r < 0) {
                pool->n_start_failures++;
                pool->start_error = r;
                return log_warning_errno(r, "Failed to start the worker %s: %m", pool->program);
        }

        worker->state = WORKER_STARTING;
        worker->since = now_usec();
        DL_PREPEND(pool->workers[WORKER_STARTING], worker);
        pool->n_workers[WORKER_STARTING]++;
        return 0;
}

static bool may_spawn(struct pool *pool) {
        unsigned int n = pool->n_workers[WORKER_STARTING] + pool->n_workers[WORKER_BUSY];

        return has_next(pool) && pool->n_workers[WORKER_STARTING] < pool->n_waiting && n < POOL_WORKERS_MAX &&
               (n < POOL_BUSY_MAX || n - count_stuck(pool) < POOL_BUSY_MAX);
}

static int on_dispatch(sd_event_source *source, void *userdata) {
        struct pool *pool = userdata;

        while (has_next(pool) && pool->workers[WORKER_IDLE])
                assign_first(pool);

        while (may_spawn(pool))
                if (add_worker(pool) < 0)
                        break;

        /* Where processes or fds are short, they will be in a second, too. */
        if (pool->n_start_failures > START_FAILURES_MAX && !pool->workers[WORKER_STARTING] &&
            !pool->workers[WORKER_BUSY])
                for (unsigned int n = pool->n_waiting; n > 0 && pool->n_waiting > 0; n--)
                        fail_unbegun(take_waiting(pool), "no worker process can be started", pool->start_error);

        if (pool->n_waiting > 0)
                want_tick(pool);
        return 0;
}

void pool_read_again(struct pool *pool) {
        want_tick(pool);
}

static struct worker *find_starved(struct worker *list) {
        struct worker *worker;

        DL_FOREACH(list, worker)
                if (worker->starved)
                        return worker;
        return NULL;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata) {
        struct pool *pool = userdata;
        struct worker *worker, *next;
        unsigned int n = 0;

        DL_FOREACH_SAFE(pool->workers[WORKER_IDLE], worker, next)
                if (++n > POOL_IDLE_MAX && now_usec() - worker->since >= IDLE_USEC)
                        worker_retire(worker);

        for (enum worker_state state = WORKER_STARTING; state <= WORKER_BUSY; state++)
                while ((worker = find_starved(pool->workers[state])))
                        worker_read_again(worker);

        if (pool->n_waiting > 0)
                deferred_arm(pool->dispatch);
        if (pool->n_workers[WORKER_IDLE] > POOL_IDLE_MAX)
                want_tick(pool);
        return 0;
}

/* The share's next turn: not before one that is over, and after its last one. */
static uint64_t next_turn(const struct pool *pool, struct share *share) {
        if (!share)
                return pool->turn;
        share->turn = share->turn >= pool->turn ? share->turn + 1 : pool->turn;
        return share->turn;
}

/* Behind all works of the same turn or an earlier one. Nearly all belong at the end. */
static void insert(struct work **list, struct work *work) {
        struct work *before = *list ? (*list)->prev : NULL;

        while (before && before->turn > work->turn)
                before = before == *list ? NULL : before->prev;
        if (before)
                DL_APPEND_ELEM(*list, before, work);
        else
                DL_PREPEND(*list, work);
}

static void enqueue(struct pool *pool, struct work *work) {
        pool->n_waiting++;
        work->queued = true;
        deferred_arm(pool->dispatch);
}

void pool_submit(struct pool *pool, struct work *work) {
        assert(work->on_report && !work->queued && !work->worker);

        work->turn = next_turn(pool, work->share);
        insert(list_of(pool, work), work);
        enqueue(pool, work);
}

void pool_submit_first(struct pool *pool, struct work *work) {
        struct work **list = list_of(pool, work);

        assert(work->on_report && !work->queued && !work->worker);

        work->turn = pool->turn;
        DL_PREPEND(*list, work);
        enqueue(pool, work);
}

bool pool_withdraw(struct pool *pool, struct work *work) {
        if (!work->queued)
                return false;

        unqueue(pool, work);
        return true;
}

int pool_new(struct pool **ret, sd_event *event, worker_spawn_t spawn, const char *program) {
        _cleanup_(pool_freep) struct pool *pool = NULL;
        int r;

        pool = calloc(1, sizeof(*pool));
        if (!pool)
                return -ENOMEM;
        pool->event = event;
        pool->spawn = spawn;
        pool->program = strdup(program);
        if (!pool->program)
                return -ENOMEM;

        r = deferred_new(&pool->dispatch, event, "dispatch of work", PRIORITY_RESULTS, on_dispatch, pool);
        if (r >= 0)
                r = timer_new(&pool->tick, event, "idle and stuck workers", PRIORITY_REQUESTS, TICK_ACCURACY_USEC,
                              on_tick, pool);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(pool);
        return 0;
}

struct pool *pool_free(struct pool *pool) {
        if (!pool)
                return NULL;

        for (int state = 0; state < _WORKER_STATE_MAX; state++) {
                struct worker *worker, *next;

                DL_FOREACH_SAFE(pool->workers[state], worker, next) {
                        pool_remove(pool, worker);
                        worker_free(worker);
                }
        }
        sd_event_source_disable_unref(pool->dispatch);
        sd_event_source_disable_unref(pool->tick);
        free(pool->program);
        free(pool);
        return NULL;
}
