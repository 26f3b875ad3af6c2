/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The deadline of a job. */

#include <assert.h>
#include <inttypes.h>

#include "common/io.h"
#include "common/message-ids.h"
#include "daemon/base/timer.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/queue.h"
#include "daemon/registry/device.h"

static void explain_timeout(struct job *job) {
        const char *waits_for = job->type->waits_for ? job->type->waits_for(job) : NULL;
        const struct job *head = job->queue ? queue_head(job->jobs, job->uuid) : NULL;
        double seconds = (double) job->deadline.usec / USEC_PER_SEC;

        if (job_is_running(job))
                failure_set(&job->failure, FAILURE_JOB_TIMED_OUT,
                            "Device %s: the driver did not finish the %s within %.3g s. Job %" PRIu64 " goes on in the "
                            "background and keeps the UUID%s", job->uuid, job->type->name, seconds, job->id,
                            job->type->creates ? "; if the device appears, it is removed again" : "");
        else if (job->state == JOB_LOCKED_OUT)
                failure_set(&job->failure, FAILURE_JOB_TIMED_OUT,
                            "Device %s: its %s did not begin within %.3g s, because another job of parent '%s' has not "
                            "finished", job->uuid, job->type->name, seconds, job->parent);
        else if (waits_for)
                failure_set(&job->failure, FAILURE_JOB_TIMED_OUT, "Device %s: its %s timed out after %.3g s. %s",
                            job->uuid, job->type->name, seconds, waits_for);
        else if (head != job)
                failure_set(&job->failure, FAILURE_JOB_TIMED_OUT,
                            "Device %s: its %s did not begin within %.3g s, because job %" PRIu64 " (%s) of the "
                            "same UUID has not finished", job->uuid, job->type->name, seconds, head->id,
                            head->type->name);
        else
                failure_set(&job->failure, FAILURE_JOB_TIMED_OUT,
                            "Device %s: its %s timed out after %.3g s", job->uuid, job->type->name, seconds);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        _cleanup_(job_unrefp) struct job *job = job_ref(userdata);
        struct log_fields fields = job_log_fields(job);

        /* There is no uevent when the kernel begins to remove a device, only when it has done so. */
        (void) device_look_for(job->jobs->registry, job->uuid);
        explain_timeout(job);
        if (!job_has_begun(job)) {
                job_finish(job, JOB_TIMEOUT);
                return 0;
        }

        job->result = JOB_TIMEOUT;
        export_change(job->jobs->exports, &job->export, "TimedOut");
        job_answer_failure(job);
        job_tell_submitter(job);
        fields.message_id = MESSAGE_DRIVER_HUNG;
        log_full(LOG_WARNING, 0, fields, "%s", failure_text(&job->failure));
        return 0;
}

int job_set_timeout(struct job *job, uint64_t usec) {
        int r;

        assert(!job->deadline.timer);

        job->deadline.usec = usec;
        if (usec == 0 || usec == USEC_INFINITY)
                return 0;

        r = timer_new(&job->deadline.timer, job->jobs->event, "job-deadline", PRIORITY_REQUESTS, TIMER_EXACT_USEC,
                      on_deadline, job);
        if (r < 0)
                return r;
        timer_arm(job->deadline.timer, usec);
        return 0;
}

uint64_t job_time_left(const struct job *job) {
        uint64_t end, t = now_usec();

        if (job->deadline.paused)
                return job->deadline.left_usec;
        if (!job->deadline.timer || sd_event_source_get_time(job->deadline.timer, &end) < 0)
                return JOB_TIMEOUT_USEC_DEFAULT;
        return end > t ? end - t : 0;
}

void job_pause_deadline(struct job *job) {
        uint64_t end, t = now_usec();

        if (!job->deadline.timer || job->deadline.paused || job->result != JOB_UNDECIDED ||
            sd_event_source_get_time(job->deadline.timer, &end) < 0)
                return;

        job->deadline.paused = true;
        job->deadline.left_usec = end > t ? end - t : 0;
        timer_disarm(job->deadline.timer);
}

void job_resume_deadline(struct job *job) {
        if (!job->deadline.paused)
                return;

        job->deadline.paused = false;
        timer_arm(job->deadline.timer, job->deadline.left_usec);
}
