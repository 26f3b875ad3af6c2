/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cleaning up after a crash, as jobs of kind "recover": whatever is asked for such a UUID comes after it. */

#include "daemon/jobs/recovery.h"

#include <errno.h>

#include "common/fault-point.h"
#include "common/intent.h"
#include "daemon/autostart/autostart.h"
#include "daemon/base/log.h"
#include "daemon/base/message-ids.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/queue.h"
#include "daemon/manager.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"

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

bool recovery_retry(struct job *job) {
        if (++job->n_recoveries < RECOVERY_TRIES_MAX) {
                job_park(job, RECOVERY_RETRY_USEC);
                return true;
        }

        failure_set(&job->failure, FAILURE_IO_ERROR,
                    "Device %s may be half made: %d workers died while they cleaned it up; mediated tries again when "
                    "it is started the next time", job->uuid, RECOVERY_TRIES_MAX);
        return false;
}

static void recover_start(struct job *job) {
        job_work(job);
}

static void recover_reported(struct job *job, struct report *report) {
        int r;

        recovery_log(job->uuid, job->work.task.parent, report);
        if (!report) {
                if (!recovery_retry(job))
                        job_finish(job, JOB_FAILED);
                return;
        }

        FAULT_POINT("recovery-reported");
        r = intent_remove(job->uuid);
        if (r < 0)
                log_warning_errno(r, "Failed to remove the intent of device %s, ignoring: %m", job->uuid);
        FAULT_POINT("recovery-ended");
        (void) device_refresh(job->manager->registry, job->uuid);
        if (job->interrupted_autostart)
                autostart_interrupted(job->manager, job->work.task.parent, job->uuid);
        parent_capacity_changed(job->manager->registry, job->work.task.parent);
        job_finish(job, JOB_DONE);
}

const struct job_type job_type_recover = {
        .name = "recover",
        .cleans_up = true,
        .start = recover_start,
        .on_report = recover_reported,
};

static int recover_one(const char *uuid, void *userdata) {
        _cleanup_(job_freep) struct job *job = NULL;
        _cleanup_intent_ struct intent intent = {};
        int r;

        r = intent_load(uuid, &intent);
        if (r < 0) {
                log_warning_errno(r, "Failed to read the intent of device %s, forgetting it: %m", uuid);
                return intent_remove(uuid);
        }

        r = job_new(&job, userdata, &job_type_recover, uuid);
        if (r < 0)
                return r;
        job->work.task.kind = TASK_RECOVER;
        job->work.task.parent = TAKE_PTR(intent.parent);
        job->work.task.type = TAKE_PTR(intent.type);
        job->work.task.orphan_pid = intent.pid;
        job->work.task.orphan_start_time = intent.start_time;
        job->interrupted_autostart = intent.autostart;
        r = queue_submit(job);
        if (r < 0)
                return r;

        TAKE_PTR(job);
        return 0;
}

int recovery_start(struct manager *manager) {
        int r;

        r = intent_list(recover_one, manager);
        FAULT_POINT("recovery-queued");
        return r < 0 ? log_error_errno(r, "Failed to look for interrupted creations: %m") : 0;
}
