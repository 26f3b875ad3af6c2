/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Job "stop": done when the device's directory is gone, whoever removed it. */

#include <errno.h>
#include <inttypes.h>

#include "common/sysfs.h"
#include "daemon/jobs/job.h"
#include "daemon/manager.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"

/* A holder's end is watched; but it may also close the device and live on. */
#define HOLDERS_POLL_USEC USEC_PER_SEC

/* The device that is meant, as it is now: what has its UUID later is another one. */
static int take_device(struct job *job, const struct device *device) {
        struct task *task = &job->work.task;

        free(task->parent);
        free(task->path);
        free(task->type);
        task->parent = strdup(device->parent);
        task->path = strdup(device->path);
        task->type = strdup(device->type);
        task->inode = device->inode;
        return task->parent && task->path && task->type ? 0 : -ENOMEM;
}

static void stop_start(struct job *job) {
        struct device *device = device_confirm(job->manager->registry, job->uuid);
        uint64_t grace;

        if (!device) {
                /* Some drivers tear a device down with its virtual machine: then it went by itself. */
                if (job->existed)
                        return job_finish(job, JOB_DONE);
                return job_fail(job, FAILURE_NO_SUCH_DEVICE, "There is no device %s", job->uuid);
        }

        job->existed = true;

        if (device->state == DEVICE_WEDGED)
                return job_fail(job, FAILURE_WEDGED,
                                "Device %s is wedged: somebody removed it before it was complete, and its 'remove' "
                                "file is gone for ever; unloading the driver of parent '%s' (or a reboot) frees it",
                                job->uuid, device->parent);
        /* Somebody else is at it. A write to `remove` now would wedge the device, or do nothing. */
        if (device->state != DEVICE_ACTIVE)
                return job_park(job, USEC_INFINITY);
        grace = device_grace_usec(device);
        if (grace > 0)
                return job_park(job, grace);

        if (!job_check_grants(job, ACTION_MANAGE_DEVICES, device->parent, device->type))
                return;
        if (take_device(job, device) < 0)
                return job_fail(job, FAILURE_IO_ERROR, "Device %s: out of memory", job->uuid);
        job_work(job);
}

static void name_holders(const struct report *report, char *ret, size_t size) {
        size_t n = 0;

        *ret = '\0';
        for (size_t i = 0; i < report->n_holders && n < size; i++)
                n += (size_t) snprintf(ret + n, size - n, "%s%d (%s)", i > 0 ? ", " : "", (int) report->holders[i].pid,
                                       report->holders[i].name);
        if (report->n_more_holders > 0 && n < size)
                (void) snprintf(ret + n, size - n, " and %" PRIu64 " more", report->n_more_holders);
}

static void stop_busy(struct job *job, const struct report *report) {
        char holders[HOLDERS_MAX * 32 + 32];

        if (job->wait == JOB_WAIT_CANCELED)
                return job_end_waiting(job);
        if (job_may_wait(job)) {
                job->wait = JOB_WAIT_BEGUN;
                job_park(job, HOLDERS_POLL_USEC);
                for (size_t i = 0; i < report->n_holders; i++)
                        job_wake_on_exit(job, report->holders[i].pid);
                return;
        }

        name_holders(report, holders, sizeof(holders));
        if (*holders)
                job_fail(job, FAILURE_DEVICE_BUSY,
                         "Device %s is in use by process %s; stop its user first, or stop the device with the option "
                         "'wait'", job->uuid, holders);
        else
                job_fail(job, FAILURE_DEVICE_BUSY,
                         "Device %s is in use, its VFIO group is open; by whom cannot be seen from here", job->uuid);
}

static void stop_reported(struct job *job, struct report *report) {
        struct device *device;

        parent_capacity_changed(job->manager->registry, job->work.task.parent);
        if (report && report->kind == REPORT_DONE) {
                device_removed(job->manager->registry, job->uuid, job->work.task.inode);
                return job_finish(job, JOB_DONE);
        }

        device = device_refresh(job->manager->registry, job->uuid);
        if (device)
                device_set_removing(device, false);
        if (report && report->kind == REPORT_BUSY)
                return stop_busy(job, report);
        if (report && report->kind == REPORT_FAILED)
                return job_fail(job, report->failure.code, "%s", failure_text(&report->failure));
        if (!report && device)
                return job_fail(job, FAILURE_IO_ERROR,
                                "The worker that was removing device %s died; the device is %s, ask again", job->uuid,
                                device_state_to_string(device->state));

        job_finish(job, JOB_DONE);
}

/* There is no uevent when the kernel begins to remove a device. */
static int stop_assigned(struct job *job) {
        struct device *device = device_find(job->manager->registry, job->uuid);

        if (device)
                device_set_removing(device, true);
        return 0;
}

const struct job_type job_type_stop = {
        .name = "stop",
        .start = stop_start,
        .on_assigned = stop_assigned,
        .on_report = stop_reported,
};
