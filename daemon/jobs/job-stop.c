/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs of kind "stop": the device's directory is gone, whoever removed it. */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/queue.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"

/* How often a device in use is tried again. The ends of its holders are watched too, but they may close it and live
 * on. */
#define HOLDERS_POLL_USEC USEC_PER_SEC

struct stop_job {
        struct job job;
        bool existed;                   /* whether there was a device at the request, or at its turn */
        pid_t held_by;                  /* the process that has the group open for the caller; 0: none */
        char *path;                     /* the device's directory in sysfs */
        ino_t inode;                    /* the inode of that directory: a later device of the UUID has another one */
};

static const struct job_type type;

static struct stop_job *stop_job_of(struct job *job) {
        assert(job->type == &type);
        return CONTAINER_OF(job, struct stop_job, job);
}

static int take_device(struct stop_job *stop, const struct device *device) {
        free(stop->path);
        stop->path = strdup(device->path);
        stop->inode = device->inode;
        return stop->path ? job_set_target(&stop->job, device->parent, device->type) : -ENOMEM;
}

static void stop_start(struct job *job) {
        struct device *device = device_confirm(job->jobs->registry, job->uuid);
        struct stop_job *stop = stop_job_of(job);
        uint64_t grace;

        if (!device) {
                /* Some drivers remove a device when its virtual machine ends. */
                if (stop->existed)
                        return job_finish(job, JOB_DONE);
                return job_fail(job, FAILURE_NO_SUCH_DEVICE, "There is no device %s", job->uuid);
        }

        stop->existed = true;

        if (device->state == DEVICE_WEDGED)
                return job_fail(job, FAILURE_WEDGED, "Device %s is wedged: %s", job->uuid,
                                device_explain_wedged(device));
        /* Somebody else creates or removes the device. A write to `remove` would wedge it now, or do nothing. */
        if (device->state != DEVICE_ACTIVE)
                return job_park(job, USEC_INFINITY);
        grace = device_grace_usec(device);
        if (grace > 0)
                return job_park(job, grace);

        if (!job_check_grants(job, ACTION_MANAGE_DEVICES, device->parent, device->type))
                return;
        if (take_device(stop, device) < 0)
                return job_fail_memory(job);
        job_work(job, &(struct task) {
                .kind = TASK_STOP,
                .path = stop->path,
                .inode = stop->inode,
                .held_by = stop->held_by,
        });
}

static void name_holders(const struct report *report, char *ret, size_t size) {
        size_t n = 0;

        *ret = '\0';
        for (size_t i = 0; i < report->n_holders && n < size; i++) {
                const struct holder *holder = report->holders + i;

                n += (size_t) snprintf(ret + n, size - n, "%s%d (%s%s%s)", i > 0 ? ", " : "", (int) holder->pid,
                                       holder->name, *holder->machine ? ", virtual machine " : "", holder->machine);
        }
        if (report->n_more_holders > 0 && n < size)
                (void) snprintf(ret + n, size - n, " and %" PRIu64 " more", report->n_more_holders);
}

static void stop_busy(struct job *job, const struct report *report) {
        char holders[HOLDERS_MAX * 128 + 32];

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
        if (report->failure.message)
                job_fail(job, FAILURE_DEVICE_BUSY, "%s", report->failure.message);
        else if (*holders)
                job_fail(job, FAILURE_DEVICE_BUSY,
                         "Device %s is in use by process %s; end it first, or wait until it releases the device",
                         job->uuid, holders);
        else
                job_fail(job, FAILURE_DEVICE_BUSY,
                         "Device %s is in use: its VFIO group is open, by a process that could not be identified; wait "
                         "until it releases the device", job->uuid);
}

static void stop_reported(struct job *job, struct report *report) {
        struct device *device;

        /* A worker can only report after it was given a device. */
        assert(stop_job_of(job)->existed && stop_job_of(job)->path && job->parent);
        parent_capacity_changed(job->jobs->registry, job->parent);
        if (report && report->kind == REPORT_DONE) {
                device_removed(job->jobs->registry, job->uuid, stop_job_of(job)->inode);
                return job_finish(job, JOB_DONE);
        }

        device = device_refresh(job->jobs->registry, job->uuid);
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

/* There is no uevent when the kernel begins to remove a device, so the registry is told. */
static int stop_assigned(struct job *job) {
        struct device *device = device_find(job->jobs->registry, job->uuid);

        if (device)
                device_set_removing(device, true);
        return 0;
}

static void clear(struct job *job) {
        free(stop_job_of(job)->path);
}

static void keep_error(const struct job *job, const struct failure *error) {
        struct device *device = device_find(job->jobs->registry, job->uuid);

        if (device)
                device_set_error(device, error);
}

static const struct job_type type = {
        .name = "stop",
        .size = sizeof(struct stop_job),
        .action = ACTION_MANAGE_DEVICES,
        .tells_interruption = true,
        .task = TASK_STOP,
        .ends_waiting = "stopped",
        .start = stop_start,
        .on_assigned = stop_assigned,
        .on_report = stop_reported,
        .keep_error = keep_error,
        .clear = clear,
};

int job_new_stop(struct job **ret, struct jobs *jobs, const char *uuid, pid_t held_by) {
        struct stop_job *stop;
        int r;

        r = job_new(ret, jobs, &type, uuid, NULL, NULL);
        if (r < 0)
                return r;
        stop = stop_job_of(*ret);
        stop->held_by = held_by;
        /* What the registry knows may be old: a caller that has just seen the device go may ask before the uevent is
         * here. If no job comes before this one, this one looks at once. */
        stop->existed = queue_head(jobs, uuid) && device_confirm(jobs->registry, uuid);
        return 0;
}
