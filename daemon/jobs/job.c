/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job's states, its references, and its way from submission to the answer. */

#include "daemon/jobs/job.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "common/bus-names.h"
#include "common/fault-point.h"
#include "daemon/bus/bus-util.h"
#include "daemon/jobs/parent-lock.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/queue.h"
#include "daemon/jobs/waiting.h"
#include "daemon/workers/pool.h"

static const char *const results[] = {
        [JOB_DONE] = "done",
        [JOB_FAILED] = "failed",
        [JOB_CANCELED] = "canceled",
        [JOB_TIMEOUT] = "timeout",
};

/* The states that may follow each state. */
#define TO(state) (1U << (state))
static const unsigned int next_states[_JOB_STATE_MAX] = {
        [JOB_NEW] = TO(JOB_QUEUED),
        [JOB_QUEUED] = TO(JOB_STARTING) | TO(JOB_ENDED),
        [JOB_STARTING] = TO(JOB_PARKED) | TO(JOB_PARKED_OUTSIDE) | TO(JOB_LOCKED_OUT) | TO(JOB_READY) | TO(JOB_ENDED),
        [JOB_PARKED] = TO(JOB_STARTING) | TO(JOB_ENDED),
        [JOB_PARKED_OUTSIDE] = TO(JOB_QUEUED) | TO(JOB_ENDED),
        [JOB_LOCKED_OUT] = TO(JOB_STARTING) | TO(JOB_ENDED),
        /* A job that cleans up is parked when no worker could be started. */
        [JOB_READY] = TO(JOB_RUNNING) | TO(JOB_PARKED) | TO(JOB_ENDED),
        /* Another worker gets the task when the first one died before it had read it. */
        [JOB_RUNNING] = TO(JOB_RUNNING) | TO(JOB_RUNNING_CALLOUTS) | TO(JOB_BETWEEN_WORKERS) | TO(JOB_PARKED) |
                        TO(JOB_PARKED_OUTSIDE) | TO(JOB_LOCKED_OUT) | TO(JOB_ENDED),
        [JOB_RUNNING_CALLOUTS] = TO(JOB_RUNNING_CALLOUTS) | TO(JOB_BETWEEN_WORKERS) | TO(JOB_PARKED) |
                                 TO(JOB_PARKED_OUTSIDE) | TO(JOB_LOCKED_OUT) | TO(JOB_ENDED),
        [JOB_BETWEEN_WORKERS] = TO(JOB_RUNNING) | TO(JOB_PARKED) | TO(JOB_ENDED),
};

bool job_is_running(const struct job *job) {
        return job->state >= JOB_RUNNING && job->state < JOB_ENDED;
}

const char *job_state_to_string(const struct job *job) {
        return job_is_running(job) ? "running" : "waiting";
}

void job_set_state(struct job *job, enum job_state state) {
        bool was_running = job_is_running(job);

        assert(next_states[job->state] & TO(state));
        job->state = state;
        if (state == JOB_RUNNING || (was_running && !job_is_running(job)))
                export_change(job->jobs->exports, &job->export, "State");
}

/* An undo has begun as the create that it was; a recovery that has no worker yet can as well be left to the next
 * daemon. */
bool job_has_begun(const struct job *job) {
        return job_is_running(job) || (job->type->cleans_up && job->type->creates);
}

bool job_may_wait(const struct job *job) {
        return job->wait != JOB_WAIT_NO && job->result == JOB_UNDECIDED && !job->jobs->draining;
}

bool job_needs(const struct job *job, enum action action) {
        return job->type->action == action ||
               (action == ACTION_MANAGE_DEVICES && job->type->changes_device && job->type->changes_device(job));
}

struct log_fields job_log_fields(const struct job *job) {
        return (struct log_fields) { .uuid = job->uuid, .parent = job->parent, .job = job->id };
}

int job_set_target(struct job *job, const char *parent, const char *mdev_type) {
        _cleanup_free_ char *new_parent = parent ? strdup(parent) : NULL;
        _cleanup_free_ char *new_type = mdev_type ? strdup(mdev_type) : NULL;

        /* The task borrows both. */
        assert(!job->work.queued && !job->work.worker);

        if ((parent && !new_parent) || (mdev_type && !new_type))
                return -ENOMEM;
        free(job->parent);
        free(job->mdev_type);
        job->parent = TAKE_PTR(new_parent);
        job->mdev_type = TAKE_PTR(new_type);
        return 0;
}

static uint64_t realtime_usec(void) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

int job_new(struct job **ret, struct jobs *jobs, const struct job_type *type, const char *uuid, const char *parent,
            const char *mdev_type) {
        _cleanup_(job_unrefp) struct job *job = NULL;
        int r;

        assert(type->size >= sizeof(struct job));

        job = calloc(1, type->size);
        if (!job)
                return -ENOMEM;
        job->n_references = 1;
        job->jobs = jobs;
        job->type = type;
        job->id = ++jobs->last_id;
        job->since = realtime_usec();
        strcpy(job->uuid, uuid);
        r = job_set_target(job, parent, mdev_type);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(job);
        return 0;
}

struct job *job_ref(struct job *job) {
        assert(job->n_references > 0);
        job->n_references++;
        return job;
}

static void job_free(struct job *job) {
        assert(job->state == JOB_NEW || job->state == JOB_ENDED);
        assert(!job->queue && !job->parent_lock && !job->wake.timer && !job->work.queued && !job->work.worker);

        if (job->type->clear)
                job->type->clear(job);
        charge_release(&job->caller.charge);
        grants_free(job->caller.grants);
        sd_bus_message_unref(job->caller.message);
        sd_event_source_disable_unref(job->deadline.timer);
        failure_clear(&job->failure);
        free(job->parent);
        free(job->mdev_type);
        free(job);
}

struct job *job_unref(struct job *job) {
        if (!job)
                return NULL;

        assert(job->n_references > 0);
        if (--job->n_references == 0)
                job_free(job);
        return NULL;
}

/* @result: NULL for a new job. */
static void announce(const struct job *job, const char *result) {
        bool failed = result && job->result != JOB_DONE;

        exports_job(job->jobs->exports, &(struct job_signal) {
                .id = job->id,
                .uuid = job->uuid,
                .path = job->export.path,
                .kind = job->type->name,
                .result = result,
                .error = failed ? failure_code_to_name(job->failure.code) : "",
                .message = failed ? failure_text(&job->failure) : NULL,
        });
}

static void leave_table(struct job *job) {
        HASH_DEL(job->jobs->by_id, job);
        export_remove(job->jobs->exports, &job->export);
}

static int join_table(struct job *job) {
        char id[24], *path;
        int r;

        snprintf(id, sizeof(id), "%" PRIu64, job->id);
        r = sd_bus_path_encode(BUS_JOB_PATH, id, &path);
        if (r < 0)
                return r;
        r = export_add(job->jobs->exports, &job->export, path, BUS_JOB, job);
        if (r < 0)
                return r;
        HASH_ADD(hh, job->jobs->by_id, id, sizeof(job->id), job);
        if (job->hh.tbl)
                return 0;
        export_remove(job->jobs->exports, &job->export);
        return -ENOMEM;
}

int job_submit(struct job *job) {
        int r;

        assert(job->state == JOB_NEW && (!job->ops || !job->caller.charge.peer));

        r = join_table(job);
        if (r < 0)
                return r;
        r = queue_enter(job);
        if (r < 0) {
                leave_table(job);
                return r;
        }
        job_ref(job);
        /* Somebody waits for the other jobs, so their work comes first. */
        job->work.background = job->ops;
        announce(job, NULL);
        if (job->type->ends_waiting)
                waiting_cancel(job);
        return 0;
}

/* After this nothing of the daemon leads to the job, and it is freed with the last reference. */
static void let_go(struct job *job, bool was_outside) {
        if (was_outside)
                waiting_leave(job);
        else
                queue_remove(job);
        job_unpark(job);
        job->deadline.timer = sd_event_source_disable_unref(job->deadline.timer);
        parent_lock_release(job);
        charge_release(&job->caller.charge);
        leave_table(job);
        job_unref(job);
}

void job_drop(struct job *job) {
        bool was_outside = job->state == JOB_PARKED_OUTSIDE;

        /* The pool is freed next, so no worker reports any more. */
        if (pool_withdraw(job->jobs->pool, &job->work) || job->work.worker)
                job_unref(job);
        job->work.worker = NULL;
        job_set_state(job, JOB_ENDED);
        let_go(job, was_outside);
}

static void answer_failure(const struct job *job, sd_bus_message *message, enum failure_code code, const char *text) {
        int r;

        r = bus_send_failure(message, code, text);
        if (r < 0)
                log_full(LOG_WARNING, r, job_log_fields(job),
                         "Failed to answer the caller of job %" PRIu64 ", ignoring: %m", job->id);
        if (r == -ENOMEM)
                bus_end_unanswered();
}

void job_answer_failure(struct job *job) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = TAKE_PTR(job->caller.message);

        if (message)
                answer_failure(job, message, job->failure.code, failure_text(&job->failure));
}

static int append_object(struct job *job, sd_bus_message *reply, bool accepted) {
        _cleanup_free_ char *path = NULL;
        int r;

        if (accepted)
                return sd_bus_message_append(reply, "o", job->export.path);
        r = job->type->object(job, &path);
        return r < 0 ? r : sd_bus_message_append(reply, "o", path);
}

static int try_reply(struct job *job, sd_bus_message *message, bool accepted, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0 && job->type->answers_uuid)
                r = sd_bus_message_append(reply, "s", job->uuid);
        if (r >= 0 && job->type->object)
                r = append_object(job, reply, accepted);
        if (r >= 0)
                r = bus_seal_reply(reply);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(reply);
        return 0;
}

/* The job is done, so an error would be untrue. Therefore one failed allocation is tried again. */
static int make_reply(struct job *job, sd_bus_message *message, bool accepted, sd_bus_message **ret) {
        int r;

        r = try_reply(job, message, accepted, ret);
        return r == -ENOMEM ? try_reply(job, message, accepted, ret) : r;
}

int job_answer_accepted(struct job *job, sd_bus_message *message) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = make_reply(job, message, true, &reply);
        if (r >= 0)
                r = bus_send_reply(reply);
        if (r < 0)
                answer_failure(job, message, FAILURE_IO_ERROR, "The job is accepted, but its answer could not be sent");
        return 1;
}

static void reply_success(struct job *job) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = TAKE_PTR(job->caller.message), *reply = NULL;
        int r = 0;

        if (message)
                r = make_reply(job, message, false, &reply);
        /* This comes as late as possible: a daemon that is killed between here and the reply leaves a device, and its
         * creator was not told. */
        if ((job->type->before_answer && job->type->before_answer(job, reply)) || !message)
                return;

        if (reply)
                r = bus_send_reply(reply);
        if (r < 0)
                answer_failure(job, message, FAILURE_IO_ERROR, "The job is done, but its answer could not be sent");
}

/* @late: whether its caller was answered at its deadline. What that answer says is in the log since then. */
static void log_result(const struct job *job, bool late) {
        /* A submitter writes into the log itself what became of its job. */
        int level = job->result == JOB_CANCELED || job->ops ? LOG_DEBUG : LOG_NOTICE;

        if (late)
                log_full(LOG_NOTICE, 0, job_log_fields(job), "Job %" PRIu64 " (%s) has ended after its deadline",
                         job->id, job->type->name);
        else if (job->result == JOB_DONE)
                log_debug("Job %" PRIu64 " (%s %s) is done", job->id, job->type->name, job->uuid);
        else
                log_full(level, 0, job_log_fields(job), "Job %" PRIu64 " (%s) %s: %s", job->id, job->type->name,
                         results[job->result], failure_text(&job->failure));
}

void job_tell_submitter(struct job *job) {
        const struct job_ops *ops = TAKE_PTR(job->ops);

        if (ops)
                ops->on_end(job, job->result, job->ops_userdata);
}

/* A submitter keeps the errors of its jobs itself. */
static void keep_error(const struct job *job) {
        if (job->type->keep_error && !job->ops && job->result != JOB_CANCELED)
                job->type->keep_error(job, job->result == JOB_DONE ? NULL : &job->failure);
}

void job_finish(struct job *job, enum job_result result) {
        struct jobs *jobs = job->jobs;
        bool was_outside = job->state == JOB_PARKED_OUTSIDE, late = job->result == JOB_TIMEOUT;

        assert(result != JOB_UNDECIDED && !job->work.worker);

        if (pool_withdraw(jobs->pool, &job->work))
                job_unref(job);
        job_set_state(job, JOB_ENDED);
        if (job->result != JOB_TIMEOUT || result == JOB_CANCELED)
                job->result = result;
        if (job->result == JOB_DONE)
                reply_success(job);
        else
                job_answer_failure(job);
        keep_error(job);

        FAULT_POINT("answered");
        log_result(job, late);
        job_tell_submitter(job);
        announce(job, results[job->result]);
        let_go(job, was_outside);
        FAULT_POINT("job-ended");
        if (!jobs->by_id)
                jobs->on_idle(jobs->userdata);
}

void job_fail(struct job *job, enum failure_code code, const char *format, ...) {
        _cleanup_free_ char *message = NULL;
        va_list args;

        va_start(args, format);
        if (vasprintf(&message, format, args) < 0)
                message = NULL;
        va_end(args);

        failure_set(&job->failure, code, "%s", message ? message : "Out of memory");
        job_finish(job, JOB_FAILED);
}

void job_fail_memory(struct job *job) {
        job_fail(job, FAILURE_IO_ERROR, "Device %s: out of memory", job->uuid);
}

bool job_check_grants(struct job *job, enum action action, const char *parent, const char *type) {
        if (grants_cover(job->caller.grants, action, parent, type))
                return true;

        job_fail(job, FAILURE_ACCESS_DENIED,
                 "Device %s is of parent '%s' and type '%s' now, which is not what its %s was authorized for; ask "
                 "again",
                 job->uuid, parent, type ? type : "", job->type->name);
        return false;
}

void job_end_waiting(struct job *job) {
        failure_set(&job->failure, FAILURE_JOB_CANCELED,
                    "Job %" PRIu64 " (%s of device %s) was canceled while it waited",
                    job->id, job->type->name, job->uuid);
        job_finish(job, JOB_CANCELED);
}

int job_cancel(struct job *job) {
        assert(job->state != JOB_NEW && job->state != JOB_ENDED);

        /* Nobody may use a UUID before what is left of its device has been cleaned up. */
        if (job->type->cleans_up)
                return -EBUSY;
        if (!job_is_running(job)) {
                job_end_waiting(job);
                return 0;
        }
        if (job->wait == JOB_WAIT_BEGUN)
                job->wait = JOB_WAIT_CANCELED;
        return job->wait == JOB_WAIT_CANCELED ? 0 : -EBUSY;
}

void job_caller_left(struct job *job) {
        job->caller.message = sd_bus_message_unref(job->caller.message);
        if (job_cancel(job) < 0)
                job->wait = JOB_WAIT_NO;
}
