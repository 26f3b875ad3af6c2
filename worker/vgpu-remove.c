/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Takes the type of a VF away.
 *
 * A virtual machine that has the VF open must not lose its vGPU. So the VFIO group is opened first, as for any device
 * (device_is_in_use()), and held during the write. After a virtual machine has ended, the driver waits for its plugin,
 * which may need seconds: the write sleeps, and then says EBUSY or EPERM. It is repeated as long as the job may take.
 * If the driver itself cannot free the vGPU (EIO), a further write would make it worse: such a VF is wedged until
 * SR-IOV of its card is switched off and on. */

#include <errno.h>
#include <fcntl.h>

#include "common/fault-point.h"
#include "common/io.h"
#include "common/root.h"
#include "worker/vgpu.h"

#define PAUSE_MIN_USEC (10 * USEC_PER_MSEC)
#define PAUSE_MAX_USEC USEC_PER_SEC

/* Whether the VF still has the vGPU with this generation. Returns 1, 0 or a negative errno. */
static int is_there(const struct task *task, const struct vgpu_vf *vf, ino_t generation, struct vgpu_note *ret) {
        uint32_t number;
        int r;

        r = vgpu_read(vf, &number);
        if (r < 0)
                return vgpu_exists(task->parent) ? r : 0;
        if (number == 0 || number != vgpu_number(task->type))
                return 0;
        r = vgpu_identify(task->parent, vf->look.types_inode, number, ret);
        return r < 0 ? r : streq(ret->uuid, task->uuid) && ret->generation == generation;
}

static void fail_errno(struct report *report, const char *uuid, int error) {
        report->kind = REPORT_FAILED;
        failure_set(&report->failure, FAILURE_IO_ERROR, "The kernel refused to remove device %s: %s", uuid,
                    strerror(-error));
}

static void fail_locked(const struct task *task, struct report *report) {
        report->kind = REPORT_FAILED;
        failure_set(&report->failure, FAILURE_DEVICE_BUSY,
                    "Device %s is being removed by a worker of an earlier mediated, which the driver has not let go "
                    "yet; try again later", task->uuid);
}

static void fail_wedged(const struct task *task, struct report *report) {
        report->kind = REPORT_FAILED;
        failure_set(&report->failure, FAILURE_WEDGED, "Device %s is wedged: " VGPU_WEDGED, task->uuid, task->parent);
}

static void note_wedged(const struct task *task, struct vgpu_note *note) {
        note->wedged = true;
        (void) vgpu_note_store(task->parent, note);
}

static void tell_busy(const struct task *task, struct report *report) {
        report->kind = REPORT_BUSY;
        if (asprintf(&report->failure.message,
                     "Device %s is not in use any more, but the driver has not ended its plugin for the virtual "
                     "machine that used it; try again", task->uuid) < 0)
                report->failure.message = NULL;
}

static void clear(const struct task *task, const struct vgpu_vf *vf, bool is_held, struct vgpu_note *note,
                  struct report *report) {
        uint64_t end = now_usec() + task->wait, pause = PAUSE_MIN_USEC;
        ino_t generation = note->generation;
        _cleanup_close_ int group_fd = -1;
        int r, there;

        for (;;) {
                r = vgpu_write(vf, 0);
                FAULT_POINT("vgpu-cleared");
                there = is_there(task, vf, generation, note);
                /* After a clear that has succeeded, a type that is there is somebody else's, also if it is the same. */
                if (there == 0 || r == 0) {
                        vgpu_note_clear(task->parent, note);
                        report->kind = REPORT_DONE;
                        return;
                }
                if (there < 0)
                        return fail_errno(report, task->uuid, there);
                if (r == -EIO) {
                        note_wedged(task, note);
                        return fail_wedged(task, report);
                }
                if (r != -EPERM && r != -EBUSY)
                        return fail_errno(report, task->uuid, r);
                /* Where VFIO has no groups, somebody may have opened the device meanwhile. */
                if (!is_held && device_is_in_use(vf->fd, task->held_by, report, &group_fd)) {
                        report->kind = REPORT_BUSY;
                        return;
                }
                if (now_usec() + pause > end)
                        return tell_busy(task, report);
                wait_unless_orphaned(pause);
                pause = pause * 2 < PAUSE_MAX_USEC ? pause * 2 : PAUSE_MAX_USEC;
        }
}

void vgpu_remove(const struct task *task, const char *path, ino_t inode, struct report *report) {
        _cleanup_vf_ struct vgpu_vf vf = { .fd = -1 };
        _cleanup_close_ int lock_fd = -1, group_fd = -1;
        struct vgpu_note note;
        int r;

        report->kind = REPORT_DONE;
        r = vgpu_open(task->parent, &vf);
        if (r == -ENOENT)
                return;
        if (r < 0)
                return fail_errno(report, task->uuid, r);
        lock_fd = vgpu_lock(task->parent);
        if (lock_fd == -EWOULDBLOCK)
                return fail_locked(task, report);
        /* Where no file can be made, there is none whose lock somebody else has. */
        if (lock_fd < 0 && lock_fd != -EROFS && lock_fd != -ENOSPC && lock_fd != -ENOENT)
                return fail_errno(report, task->uuid, lock_fd);
        r = is_there(task, &vf, inode, &note);
        if (r < 0)
                return fail_errno(report, task->uuid, r);
        if (r == 0)
                return;
        if (note.wedged)
                return fail_wedged(task, report);
        if (device_is_in_use(vf.fd, task->held_by, report, &group_fd)) {
                report->kind = REPORT_BUSY;
                return;
        }

        FAULT_POINT("vgpu-held");
        clear(task, &vf, group_fd >= 0, &note, report);
}
