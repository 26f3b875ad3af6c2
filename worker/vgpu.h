/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The back end of vendor VFIO: vGPUs of virtual functions (VFs) of NVIDIA's cards. docs/KERNEL.md describes its files
 * and errors.
 *
 * The file `nvidia/current_vgpu_type` of a VF says which type it has. A write says nothing of value: the driver has one
 * error for several reasons, and takes no lock over what it checks and what it sets. So the file is read after each
 * write, whether the write has failed or not, and what it says is the result. Only one task at a time makes or removes
 * the vGPU of a VF; the daemon takes care of that. A worker that hangs in the driver lives longer than its daemon, so
 * whoever writes has a lock, too. */

#include "common/vgpu.h"
#include "worker/backend.h"

extern const struct worker_backend vgpu_worker_backend;

/* A VF. */
struct vgpu_vf {
        int fd;                         /* of its directory, O_PATH */
        struct sysfs_parent look;       /* its types_inode is the registration that notes name */
};

static inline void vgpu_vf_close(struct vgpu_vf *vf) {
        if (vf->fd >= 0)
                close(vf->fd);
}
#define _cleanup_vf_ _cleanup_(vgpu_vf_close)

/** vgpu_exists() - whether @parent is a VF that can have a vGPU type. */
bool vgpu_exists(const char *parent);

/** vgpu_open() - open the VF of a task. Returns 0 or a negative errno, -ENOENT when there is no such VF. */
int vgpu_open(const char *parent, struct vgpu_vf *ret);

/** vgpu_read() - read the number of the type that the VF has now; 0: none. Returns 0 or a negative errno. */
int vgpu_read(const struct vgpu_vf *vf, uint32_t *ret);

/** vgpu_write() - write a number. What it returns, 0 or a negative errno, says only why the file may read as before. */
int vgpu_write(const struct vgpu_vf *vf, uint32_t number);

/** vgpu_lock() - become the only worker that writes to the VF and its note, until the returned fd is closed. Returns a
 * negative errno otherwise, -EWOULDBLOCK when another one is that for long: one of an earlier daemon, whose write has
 * not come back. */
int vgpu_lock(const char *parent);

/** vgpu_set_holds() - set report->holds to the type with the @number that was read from the VF. If it is 0, a note of a
 * vGPU is removed. */
void vgpu_set_holds(const struct task *task, const struct vgpu_vf *vf, uint32_t number, struct report *report);

/** vgpu_can_create() - whether the driver lists the type as one that can be created on the VF now. */
bool vgpu_can_create(const struct vgpu_vf *vf, uint32_t number);

/* The members of struct worker_backend with the same names. */
void vgpu_list_types(const struct task *task, struct report *report);
int vgpu_create(const struct task *task, struct failure *failure);
void vgpu_remove(const struct task *task, const char *path, ino_t inode, struct report *report);
