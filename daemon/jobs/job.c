/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job's life. What its kind does is in job-KIND.c. */

#include "daemon/jobs/job.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "common/bus-names.h"
#include "common/fault-point.h"
#include "common/io.h"
#include "daemon/autostart/autostart.h"
#include "daemon/base/log.h"
#include "daemon/base/message-ids.h"
#include "daemon/bus/bus-util.h"
#include "daemon/jobs/callout-lock.h"
#include "daemon/jobs/job-start.h"
#include "daemon/jobs/queue.h"
#include "daemon/manager.h"
#include "daemon/registry/device.h"
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
        /* It is parked when no worker could be started for cleaning up. */
        [JOB_READY] = TO(JOB_RUNNING) | TO(JOB_PARKED) | TO(JOB_ENDED),
        /* It goes to another worker when the first one died before it had read the task. */
        [JOB_RUNNING] = TO(JOB_RUNNING) | TO(JOB_RUNNING_CALLOUTS) | TO(JOB_BETWEEN_WORKERS) | TO(JOB_PARKED) |
                        TO(JOB_PARKED_OUTSIDE) | TO(JOB_LOCKED_OUT) | TO(JOB_ENDED),
        [JOB_RUNNING_CALLOUTS] = TO(JOB_RUNNING_CALLOUTS) | TO(JOB_BETWEEN_WORKERS) | TO(JOB_PARKED) |
                                 TO(JOB_PARKED_OUTSIDE) | TO(JOB_LOCKED_OUT) | TO(JOB_ENDED),
        [JOB_BETWEEN_WORKERS] = TO(JOB_RUNNING) | TO(JOB_PARKED) | TO(JOB_ENDED),
};

static bool is_running(enum job_state state) {
        return state >= JOB_RUNNING && state < JOB_ENDED;
}

const char *job_state_to_string(enum job_state state) {
        return is_running(state) ? "running" : "waiting";
}

void job_set_state(struct job *job, enum job_state state) {
        bool was_running = is_running(job->state);

        assert(next_states[job->state] & TO(state));
        job->state = state;
        if (state == JOB_RUNNING || (was_running && !is_running(state)))
                export_change(job->manager->exports, &job->export, "State");
}

bool job_has_begun(const struct job *job) {
        return is_running(job->state) || (job->type->cleans_up && job->type->creates);
}

bool job_may_wait(const struct job *job) {
        return job->wait != JOB_WAIT_NO && job->result == JOB_UNDECIDED && !job->manager->draining;
}

struct job *job_find(struct manager *manager, uint64_t id) {
        struct job *job;

        HASH_FIND(hh, manager->jobs, &id, sizeof(id), job);
        return job;
}

bool job_needs(const struct job *job, enum action action) {
        return job->type->action == action ||
               (action == ACTION_MANAGE_DEVICES && job->type->changes_device && job->type->changes_device(job));
}

int job_set_target(struct job *job, const char *parent, const char *mdev_type) {
        _cleanup_free_ char *new_parent = parent ? strdup(parent) : NULL;
        _cleanup_free_ char *new_type = mdev_type ? strdup(mdev_type) : NULL;

        if ((parent && !new_parent) || (mdev_type && !new_type))
                return -ENOMEM;
        free(job->parent);
        free(job->mdev_type);
        job->parent = TAKE_PTR(new_parent);
        job->mdev_type = TAKE_PTR(new_type);
        return 0;
}

static struct log_fields fields_of(const struct job *job) {
        return (struct log_fields) { .uuid = job->uuid, .parent = job->parent, .job = job->id };
}

/* Callouts that heard of the beginning shall hear of the end, by another worker. A create is undone by one, which tells
 * them. */
static bool tell_of_interruption(struct job *job) {
        if (job->state != JOB_RUNNING_CALLOUTS || job->work.task.interrupted || !job->type->tells_interruption ||
            job->work.task.kind != job->type->task)
                return false;

        job->work.task.interrupted = true;
        job_set_state(job, JOB_BETWEEN_WORKERS);
        pool_submit(job->manager->pool, &job->work);
        return true;
}

static void on_report(struct work *work, struct report *report) {
        struct job *job = work->userdata;

        if (report && report->served)
                callout_lock_note(job->manager, job->parent);
        if (!report && tell_of_interruption(job))
                return;

        callout_lock_release(job);
        job_resume_deadline(job);
        if (work->task.interrupted)
                report = NULL;
        work->task.interrupted = false;
        job->type->on_report(job, report);
}

static void on_callout(struct work *work, bool begins) {
        struct job *job = work->userdata;

        job_set_state(job, JOB_RUNNING_CALLOUTS);
        callout_lock_note_callouts(job, begins);
        if (begins)
                job_pause_deadline(job);
        else
                job_resume_deadline(job);
}

static int on_assigned(struct work *work) {
        struct job *job = work->userdata;

        job_set_state(job, JOB_RUNNING);
        return job->type->on_assigned ? job->type->on_assigned(job) : 0;
}

int job_new(struct job **ret, struct manager *manager, const struct job_type *type, const char *uuid,
            const char *parent, const char *mdev_type) {
        _cleanup_(job_freep) struct job *job = NULL;
        char id[24], *path;
        int r;

        job = calloc(1, type->size);
        if (!job)
                return -ENOMEM;
        job->manager = manager;
        job->type = type;
        job->id = ++manager->last_job_id;
        strcpy(job->uuid, uuid);
        job->work = (struct work) {
                .userdata = job,
                .on_assigned = on_assigned,
                .on_callout = on_callout,
                .on_report = on_report,
        };
        r = job_set_target(job, parent, mdev_type);
        if (r < 0)
                return r;

        snprintf(id, sizeof(id), "%" PRIu64, job->id);
        r = sd_bus_path_encode(BUS_JOB_PATH, id, &path);
        if (r < 0)
                return r;
        r = export_add(manager->exports, &job->export, path, BUS_JOB, job);
        if (r < 0)
                return r;
        HASH_ADD(hh, manager->jobs, id, sizeof(job->id), job);
        if (!job->hh.tbl)
                return -ENOMEM;

        *ret = TAKE_PTR(job);
        return 0;
}

struct job *job_free(struct job *job) {
        if (!job)
                return NULL;

        if (job->type->clear)
                job->type->clear(job);
        job_unpark(job);
        callout_lock_release(job);
        if (job->hh.tbl)
                HASH_DEL(job->manager->jobs, job);
        export_remove(job->manager->exports, &job->export);
        charge_release(&job->charge);
        grants_free(job->grants);
        sd_event_source_disable_unref(job->deadline_source);
        sd_bus_message_unref(job->message);
        failure_clear(&job->failure);
        free(job->parent);
        free(job->mdev_type);
        free(job);
        return NULL;
}

static void answer_failure(const struct job *job, sd_bus_message *message, enum failure_code code, const char *text) {
        int r;

        r = bus_send_failure(message, code, text);
        if (r < 0)
                log_full(LOG_WARNING, r, fields_of(job), "Failed to answer the caller of job %" PRIu64 ", ignoring: %m",
                         job->id);
        if (r == -ENOMEM)
                bus_end_unanswered();
}

void job_answer_failure(struct job *job) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = TAKE_PTR(job->message);

        if (!message)
                return;

        answer_failure(job, message, job->failure.code, failure_text(&job->failure));
}

static int try_reply(struct job *job, sd_bus_message *message, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0 && job->type->append_reply)
                r = job->type->append_reply(job, reply);
        if (r >= 0)
                r = bus_seal_reply(reply);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(reply);
        return 0;
}

/* The job is done, so an error would be untrue. Therefore one failed allocation is tried again. */
static int make_reply(struct job *job, sd_bus_message *message, sd_bus_message **ret) {
        int r;

        r = try_reply(job, message, ret);
        return r == -ENOMEM ? try_reply(job, message, ret) : r;
}

static void reply_success(struct job *job) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = TAKE_PTR(job->message), *reply = NULL;
        int r = 0;

        if (message)
                r = make_reply(job, message, &reply);
        /* As late as it can be: a daemon that is killed between the two leaves a device that nobody was told of. */
        if (job->type->before_answer)
                job->type->before_answer(job);
        if (!message || (reply && job->type->hold_reply && job->type->hold_reply(job, reply)))
                return;

        if (reply)
                r = bus_send_reply(reply);
        if (r < 0)
                answer_failure(job, message, FAILURE_IO_ERROR, "The job is done, but its answer could not be sent");
}

static int level_of(const struct job *job, enum job_result result) {
        /* Autostart says itself what became of it. */
        return result == JOB_CANCELED || job->autostart ? LOG_DEBUG : LOG_NOTICE;
}

static void say_result(struct job *job, enum job_result result) {
        if (result == JOB_DONE)
                log_debug("Job %" PRIu64 " (%s %s) is done", job->id, job->type->name, job->uuid);
        else
                log_full(level_of(job, result), 0, fields_of(job), "Job %" PRIu64 " (%s) %s: %s", job->id,
                         job->type->name, results[result], failure_text(&job->failure));
}

void job_finish(struct job *job, enum job_result result) {
        struct manager *manager = job->manager;
        bool is_outside = job->state == JOB_PARKED_OUTSIDE;

        if (result != JOB_CANCELED && job->result == JOB_TIMEOUT)
                result = JOB_TIMEOUT;
        job_set_state(job, JOB_ENDED);
        job->result = result;
        if (result == JOB_DONE)
                reply_success(job);
        else
                job_answer_failure(job);

        FAULT_POINT("answered");
        say_result(job, result);
        autostart_job_ended(job, result);
        exports_job_removed(manager->exports, job->id, job->uuid, job->type->name, results[result], job->export.path);
        if (is_outside)
                start_leave_waiting(job);
        else
                queue_remove(job);
        job_free(job);
        FAULT_POINT("job-ended");
        manager_job_removed(manager);
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

bool job_check_grants(struct job *job, enum action action, const char *parent, const char *type) {
        if (grants_cover(job->grants, action, parent, type))
                return true;

        job_fail(job, FAILURE_ACCESS_DENIED,
                 "Device %s is of parent '%s' and type '%s' now, which is not what its %s was authorized for; ask "
                 "again",
                 job->uuid, parent, type ? type : "", job->type->name);
        return false;
}

void job_end_waiting(struct job *job) {
        (void) pool_withdraw(job->manager->pool, &job->work);
        failure_set(&job->failure, FAILURE_JOB_CANCELED,
                    "Job %" PRIu64 " (%s of device %s) was canceled while it waited",
                    job->id, job->type->name, job->uuid);
        job_finish(job, JOB_CANCELED);
}

int job_cancel(struct job *job) {
        /* Nobody may be let at a UUID before what is left of it has been cleaned up. */
        if (job->type->cleans_up)
                return -EBUSY;
        if (is_running(job->state)) {
                if (job->wait == JOB_WAIT_BEGUN)
                        job->wait = JOB_WAIT_CANCELED;
                return job->wait == JOB_WAIT_CANCELED ? 0 : -EBUSY;
        }

        job_end_waiting(job);
        return 0;
}

static void explain_timeout(struct job *job) {
        const char *waits_for = job->type->waits_for ? job->type->waits_for(job) : NULL;
        struct job *head = job->queue ? queue_head(job->queue) : NULL;
        double seconds = (double) job->timeout / USEC_PER_SEC;

        if (is_running(job->state))
                failure_set(&job->failure, FAILURE_JOB_TIMED_OUT,
                            "Device %s: the driver did not finish the %s within %.3g s; job %" PRIu64 " goes on in the "
                            "background and keeps the UUID%s", job->uuid, job->type->name, seconds, job->id,
                            job->type->creates ? ", the device is removed again should it ever appear" : "");
        else if (waits_for)
                failure_set(&job->failure, FAILURE_JOB_TIMED_OUT, "Device %s: its %s waited %.3g s in vain. %s",
                            job->uuid, job->type->name, seconds, waits_for);
        else if (head != job)
                failure_set(&job->failure, FAILURE_JOB_TIMED_OUT,
                            "Device %s: its %s did not get its turn within %.3g s, because job %" PRIu64 " (%s) of the "
                            "same UUID has not finished", job->uuid, job->type->name, seconds, head->id,
                            head->type->name);
        else
                failure_set(&job->failure, FAILURE_JOB_TIMED_OUT,
                            "Device %s: what its %s waited for did not come within %.3g s", job->uuid, job->type->name,
                            seconds);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        struct job *job = userdata;

        struct log_fields fields = fields_of(job);

        /* The kernel sends no uevent when it begins to remove a device, only when that is done. */
        (void) device_look_for(job->manager->registry, job->uuid);
        explain_timeout(job);
        if (!job_has_begun(job)) {
                (void) pool_withdraw(job->manager->pool, &job->work);
                job_finish(job, JOB_TIMEOUT);
                return 0;
        }

        job->result = JOB_TIMEOUT;
        job_answer_failure(job);
        autostart_job_ended(job, JOB_TIMEOUT);
        fields.message_id = MESSAGE_DRIVER_HUNG;
        log_full(LOG_WARNING, 0, fields, "%s", failure_text(&job->failure));
        return 0;
}

int job_set_timeout(struct job *job, uint64_t usec) {
        job->timeout = usec;
        if (usec == 0 || usec == USEC_INFINITY)
                return 0;

        return sd_event_add_time_relative(job->manager->event, &job->deadline_source, CLOCK_MONOTONIC, usec, 1,
                                          on_deadline, job);
}

void job_pause_deadline(struct job *job) {
        uint64_t end, t = now_usec();

        if (!job->deadline_source || job->deadline_paused || job->result != JOB_UNDECIDED ||
            sd_event_source_get_time(job->deadline_source, &end) < 0)
                return;

        job->deadline_paused = true;
        job->deadline_left = end > t ? end - t : 0;
        (void) sd_event_source_set_enabled(job->deadline_source, SD_EVENT_OFF);
}

void job_resume_deadline(struct job *job) {
        if (!job->deadline_paused)
                return;

        job->deadline_paused = false;
        if (sd_event_source_set_time_relative(job->deadline_source, job->deadline_left) >= 0)
                (void) sd_event_source_set_enabled(job->deadline_source, SD_EVENT_ONESHOT);
}

void job_work(struct job *job, const struct task *task) {
        job_unpark(job);
        job->work.task = *task;
        job->work.task.uuid = job->uuid;
        job->work.task.parent = job->parent;
        job->work.task.type = job->mdev_type;
        job->work.task.job = job->id;
        job->work.task.force = job->force;
        job->work.task.callout_timeout = job->manager->callout_timeout;
        if (!callout_lock_acquire(job))
                return job_set_state(job, JOB_LOCKED_OUT);
        job_set_state(job, is_running(job->state) ? JOB_BETWEEN_WORKERS : JOB_READY);
        pool_submit(job->manager->pool, &job->work);
}

static int on_wake(sd_event_source *source, uint64_t usec, void *userdata) {
        struct job *job = userdata;

        queue_kick(job->manager, job->uuid);
        return 0;
}

static int on_exit_wake(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        return on_wake(source, 0, userdata);
}

void job_park(struct job *job, uint64_t usec) {
        job_unpark(job);
        callout_lock_release(job);
        job_set_state(job, JOB_PARKED);
        if (usec == USEC_INFINITY || sd_event_add_time_relative(job->manager->event, &job->wake_source, CLOCK_MONOTONIC,
                                                                usec, 1, on_wake, job) >= 0)
                return;
        /* Rather too early than never. */
        log_full(LOG_WARNING, 0, fields_of(job), "Failed to set a timer for job %" PRIu64 ", it does not wait",
                 job->id);
        queue_kick(job->manager, job->uuid);
}

void job_wake_on_exit(struct job *job, pid_t pid) {
        sd_event_source **sources, *source;
        int fd;

        fd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (fd < 0)
                return;
        if (sd_event_add_io(job->manager->event, &source, fd, EPOLLIN, on_exit_wake, job) < 0) {
                close(fd);
                return;
        }
        (void) sd_event_source_set_io_fd_own(source, true);

        sources = reallocarray(job->exit_sources, job->n_exit_sources + 1, sizeof(*sources));
        if (!sources) {
                sd_event_source_disable_unref(source);
                return;
        }
        job->exit_sources = sources;
        sources[job->n_exit_sources++] = source;
}

void job_unpark(struct job *job) {
        job->wake_source = sd_event_source_disable_unref(job->wake_source);
        while (job->n_exit_sources > 0)
                sd_event_source_disable_unref(job->exit_sources[--job->n_exit_sources]);
        free(job->exit_sources);
        job->exit_sources = NULL;
}
