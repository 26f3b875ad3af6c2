/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gives a VF its type. */

#include <errno.h>

#include "common/fault-point.h"
#include "common/intent.h"
#include "common/io.h"
#include "worker/vgpu.h"

/* How long a write is repeated that was refused because of somebody else's vGPU, which is gone already; and the pause
 * between two attempts. */
#define AGAIN_USEC (200 * USEC_PER_MSEC)
#define AGAIN_PAUSE_USEC (5 * USEC_PER_MSEC)

/* The files of the VF's directory are those of a PCI device. Only the driver's own ones are attributes of a vGPU. */
static int check_attributes(const struct task *task, struct failure *failure) {
        for (size_t i = 0; i < task->attributes.n; i++) {
                const char *name = task->attributes.items[i].name;

                if (strncmp(name, "nvidia/", strlen("nvidia/")) != 0 || streq(name, "nvidia/current_vgpu_type"))
                        return failure_set(failure, FAILURE_INVALID_ATTRIBUTE,
                                           "Cannot create device %s: '%s' is no attribute of a vGPU; attributes are "
                                           "the driver's files, such as 'nvidia/vgpu_params'", task->uuid, name);
        }
        return 0;
}

static int fail_taken(const struct task *task, uint32_t number, struct failure *failure) {
        char type[VGPU_TYPE_SIZE];

        vgpu_type(number, type);
        return failure_set(failure, FAILURE_NO_AVAILABLE_INSTANCES,
                           "Cannot create device %s: parent '%s' has a vGPU of type '%s' already, and no room for "
                           "another one; stop it first, or choose another parent", task->uuid, task->parent, type);
}

static int fail_full(const struct task *task, struct failure *failure) {
        return failure_set(failure, FAILURE_NO_AVAILABLE_INSTANCES,
                           "Cannot create device %s: the driver of parent '%s' does not offer type '%s' now: the card "
                           "is full, the types on it have another size, or its MIG instances are not set up",
                           task->uuid, task->parent, task->type);
}

static int fail_refused(const struct task *task, int error, struct failure *failure) {
        return failure_set(failure, FAILURE_IO_ERROR,
                           "The driver of parent '%s' refused to create device %s of type '%s': %s; see the kernel log "
                           "(journalctl -k)", task->parent, task->uuid, task->type, strerror(error));
}

/* The VF has no type after a write that ended with @error, or with 0. */
static int explain(const struct task *task, const struct vgpu_vf *vf, uint32_t number, int error,
                   struct failure *failure) {
        bool listed = vgpu_can_create(vf, number);

        if (error == 0)
                return failure_set(failure, FAILURE_NO_SUCH_DEVICE,
                                   "Device %s was removed by somebody else just after its creation", task->uuid);
        if (error == ENOSPC || ((error == EIO || error == EINVAL) && !listed))
                return fail_full(task, failure);
        if (error == EINVAL)
                return failure_set(failure, FAILURE_IO_ERROR,
                                   "Cannot create device %s: parent '%s' takes no type, although it lists '%s': its "
                                   "driver was unbound and bound again. Disable the virtual functions of its card and "
                                   "enable them again (SR-IOV off and on)", task->uuid, task->parent, task->type);
        if (error == EPERM || error == EBUSY)
                return failure_set(failure, FAILURE_NO_AVAILABLE_INSTANCES,
                                   "Cannot create device %s: parent '%s' has no type, but its driver says that it is "
                                   "in use: another vGPU is just ending, or a process has it open; try again",
                                   task->uuid, task->parent);
        if (error == ENODEV && !vgpu_exists(task->parent))
                return failure_set(failure, FAILURE_NO_SUCH_PARENT,
                                   "Cannot create device %s: parent '%s' has disappeared", task->uuid, task->parent);
        if (error == ENODEV)
                return failure_set(failure, FAILURE_NO_SUCH_TYPE,
                                   "Cannot create device %s: parent '%s' has no type '%s'", task->uuid, task->parent,
                                   task->type);
        return fail_refused(task, error, failure);
}

/* Notes the device, and writes. Returns 0 with what the file says after that, and what the write said; or -1 with
 * @failure set. Unless the device is there, it is not noted any more. */
static int try_once(const struct task *task, const struct vgpu_vf *vf, uint32_t number, uint32_t *ret_now,
                    int *ret_written, struct failure *failure) {
        struct vgpu_note none, note;
        int r;

        r = vgpu_note_load(task->parent, vf->look.types_inode, &none);
        *none.uuid = '\0';
        none.wedged = false;
        none.generation++;
        note = none;
        strcpy(note.uuid, task->uuid);
        note.number = number;
        if (r >= 0)
                r = vgpu_note_store(task->parent, &note);
        FAULT_POINT("vgpu-noted");
        /* From here on a device of this UUID on this parent is ours, until the kernel refuses it. */
        if (r >= 0)
                r = intent_set_writing(task->uuid, true);
        if (r < 0)
                return failure_set(failure, FAILURE_IO_ERROR,
                                   "Device %s was not created: cannot write to /run/mediated: %s", task->uuid,
                                   strerror(-r));

        FAULT_POINT("vgpu-intent-writing");
        *ret_written = vgpu_write(vf, number);
        FAULT_POINT("vgpu-written");
        r = vgpu_read(vf, ret_now);
        if (r >= 0 && *ret_now == number && *ret_written >= 0)
                return 0;

        (void) vgpu_note_store(task->parent, &none);
        (void) intent_set_writing(task->uuid, false);
        FAULT_POINT("vgpu-intent-taken-back");
        return r < 0 ? fail_refused(task, -r, failure) : 0;
}

int vgpu_create(const struct task *task, struct failure *failure) {
        uint32_t number = vgpu_number(task->type), now;
        _cleanup_vf_ struct vgpu_vf vf = { .fd = -1 };
        _cleanup_close_ int lock_fd = -1;
        int written = 0, r;
        uint64_t end;

        if (check_attributes(task, failure) < 0)
                return -1;
        if (number == 0)
                return failure_set(failure, FAILURE_NO_SUCH_TYPE,
                                   "Cannot create device %s: parent '%s' has no type '%s'; its types are called "
                                   "nvidia-NUMBER", task->uuid, task->parent, task->type);
        if (vgpu_open(task->parent, &vf) < 0)
                return failure_set(failure, FAILURE_NO_SUCH_PARENT,
                                   "Cannot create device %s: parent '%s' has disappeared", task->uuid, task->parent);
        lock_fd = vgpu_lock(task->parent);
        if (lock_fd == -EWOULDBLOCK)
                return failure_set(failure, FAILURE_NO_AVAILABLE_INSTANCES,
                                   "Cannot create device %s: a worker of an earlier mediated still writes to parent "
                                   "'%s', and the driver has not let it go yet; try again later, or choose another "
                                   "parent",
                                   task->uuid, task->parent);
        if (lock_fd < 0)
                return failure_set(failure, FAILURE_IO_ERROR,
                                   "Device %s was not created: cannot write to /run/mediated: %s", task->uuid,
                                   strerror(-lock_fd));

        end = now_usec() + AGAIN_USEC;
        for (;;) {
                r = vgpu_read(&vf, &now);
                if (r < 0)
                        return fail_refused(task, -r, failure);
                if (now != 0)
                        return fail_taken(task, now, failure);
                if (try_once(task, &vf, number, &now, &written, failure) < 0)
                        return -1;
                if (now == number && written >= 0)
                        return 0;
                /* Somebody else was faster. */
                if (now != 0)
                        return fail_taken(task, now, failure);
                if ((written != -EPERM && written != -EBUSY) || now_usec() >= end)
                        return explain(task, &vf, number, -written, failure);
                wait_unless_orphaned(AGAIN_PAUSE_USEC);
        }
}
