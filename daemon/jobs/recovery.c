/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs of kind "recover". */

#include "daemon/jobs/recovery.h"

#include <assert.h>
#include <errno.h>

#include "common/fault-point.h"
#include "common/intent.h"
#include "common/message-ids.h"
#include "daemon/base/log.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"

struct recover_job {
        struct job job;
        pid_t orphan_pid;               /* the worker that may still be creating the device */
        uint64_t orphan_start_time;     /* when that worker was started, in clock ticks */
        recovery_handler_t on_interrupted;      /* what hears of it if autostart had wanted the device, or NULL */
        void *userdata;                 /* the last argument of that function */
        unsigned int n_lost;            /* how many workers have died while they cleaned up */
};

static struct recover_job *recover_job_of(struct job *job) {
        return CONTAINER_OF(job, struct recover_job, job);
}

void recovery_log(const char *uuid, const char *parent, const struct report *report) {
        struct log_fields fields = { .uuid = uuid, .parent = parent };

        if (!report)
                log_full(LOG_WARNING, 0, fields, "The worker that was cleaning up device %s died", uuid);
        else if (report->kind == REPORT_UNDONE) {
                fields.message_id = MESSAGE_HALF_MADE_REMOVED;
                log_full(LOG_WARNING, 0, fields, "Half-made device %s was removed: its creation was interrupted", uuid);
        } else if (report->kind != REPORT_DONE)
                log_full(LOG_WARNING, 0, fields, "Creation of device %s was interrupted. %s", uuid,
                         failure_text(&report->failure));
}

void recovery_retry(struct job *job, unsigned int *n_lost) {
        assert(job->type->cleans_up);

        if (++*n_lost < RECOVERY_TRIES_MAX)
                return job_park(job, RECOVERY_RETRY_USEC);
        job_fail(job, FAILURE_IO_ERROR,
                 "Device %s may be incomplete: %d workers died while they removed it. The next start of mediated "
                 "tries again", job->uuid, RECOVERY_TRIES_MAX);
}

static void recover_start(struct job *job) {
        const struct recover_job *recover = recover_job_of(job);

        job_work(job, &(struct task) {
                .kind = TASK_RECOVER,
                .orphan_pid = recover->orphan_pid,
                .orphan_start_time = recover->orphan_start_time,
        });
}

static void recover_reported(struct job *job, struct report *report) {
        struct recover_job *recover = recover_job_of(job);
        int r;

        recovery_log(job->uuid, job->parent, report);
        if (!report)
                return recovery_retry(job, &recover->n_lost);

        FAULT_POINT("recovery-reported");
        r = intent_remove(job->uuid);
        if (r < 0)
                log_warning_errno(r, "Failed to remove the intent of device %s, ignoring: %m", job->uuid);
        FAULT_POINT("recovery-ended");
        (void) device_refresh(job->jobs->registry, job->uuid);
        if (recover->on_interrupted)
                recover->on_interrupted(job->parent, job->uuid, recover->userdata);
        parent_capacity_changed(job->jobs->registry, job->parent);
        job_finish(job, JOB_DONE);
}

static const struct job_type type = {
        .name = "recover",
        .size = sizeof(struct recover_job),
        .action = ACTION_MANAGE_DEVICES,
        .cleans_up = true,
        .start = recover_start,
        .on_report = recover_reported,
};

struct recovery {
        struct jobs *jobs;
        recovery_handler_t on_interrupted;
        void *userdata;
};

static int recover_one(const char *uuid, void *userdata) {
        const struct recovery *recovery = userdata;
        _cleanup_(job_unrefp) struct job *job = NULL;
        _cleanup_intent_ struct intent intent = {};
        struct recover_job *recover;
        int r;

        r = intent_load(uuid, &intent);
        if (r < 0) {
                log_warning_errno(r, "Failed to read the intent of device %s, forgetting it: %m", uuid);
                return intent_remove(uuid);
        }

        r = job_new(&job, recovery->jobs, &type, uuid, intent.parent, intent.type);
        if (r < 0)
                return r;
        recover = recover_job_of(job);
        recover->orphan_pid = intent.pid;
        recover->orphan_start_time = intent.start_time;
        recover->on_interrupted = intent.autostart ? recovery->on_interrupted : NULL;
        recover->userdata = recovery->userdata;
        return job_submit(job);
}

int recovery_start(struct jobs *jobs, recovery_handler_t on_interrupted, void *userdata) {
        struct recovery recovery = { jobs, on_interrupted, userdata };
        int r;

        r = intent_list(recover_one, &recovery);
        FAULT_POINT("recovery-queued");
        return r < 0 ? log_error_errno(r, "Failed to look for interrupted creations: %m") : 0;
}
