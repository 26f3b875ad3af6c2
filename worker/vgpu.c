/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of this back end, and the files of a VF. */

#include "worker/vgpu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>

#include "common/io.h"
#include "common/root.h"

#define CURRENT "nvidia/current_vgpu_type"

/* How long the lock of a VF is waited for, and the pause between two attempts. A worker that reads the VF has it for a
 * moment. A worker of an earlier daemon has it until the driver lets it go. */
#define LOCK_USEC USEC_PER_SEC
#define LOCK_PAUSE_USEC (5 * USEC_PER_MSEC)

bool vgpu_exists(const char *parent) {
        struct sysfs_parent look;

        return vgpu_look_at_parent(parent, &look) >= 0;
}

int vgpu_open(const char *parent, struct vgpu_vf *ret) {
        int r;

        r = vgpu_look_at_parent(parent, &ret->look);
        if (r < 0)
                return r;
        ret->fd = openat(root_fd(), ret->look.path + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return ret->fd < 0 ? -errno : 0;
}

int vgpu_read(const struct vgpu_vf *vf, uint32_t *ret) {
        char text[64];
        ssize_t n;

        n = read_text_at(vf->fd, CURRENT, text, sizeof(text));
        if (n < 0)
                return (int) n;
        return sscanf(text, "%" SCNu32, ret) == 1 ? 0 : -EBADMSG;
}

int vgpu_write(const struct vgpu_vf *vf, uint32_t number) {
        _cleanup_close_ int fd = -1;
        char text[16];

        fd = openat(vf->fd, CURRENT, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        snprintf(text, sizeof(text), "%" PRIu32, number);
        return write_text_fd(fd, text);
}

static int try_lock(const char *parent) {
        _cleanup_close_ int fd = -1;
        char path[PATH_MAX];
        int r;

        r = vgpu_lock_path(parent, path);
        if (r < 0)
                return r;
        fd = openat(root_fd(), path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int vgpu_lock(const char *parent) {
        uint64_t end = now_usec() + LOCK_USEC;
        int fd;

        for (;;) {
                fd = try_lock(parent);
                if (fd != -EWOULDBLOCK || now_usec() >= end)
                        return fd;
                wait_unless_orphaned(LOCK_PAUSE_USEC);
        }
}

static int open_device(const struct task *task, struct sysfs_device *ret) {
        _cleanup_vf_ struct vgpu_vf vf = { .fd = -1 };
        struct vgpu_note note;
        uint32_t number;
        int r;

        r = vgpu_open(task->parent, &vf);
        if (r >= 0)
                r = vgpu_read(&vf, &number);
        if (r < 0)
                return r;
        if (number == 0)
                return -ENOENT;
        r = vgpu_identify(task->parent, vf.look.types_inode, number, &note);
        if (r < 0)
                return r;
        if (!streq(note.uuid, task->uuid))
                return -ENOENT;

        *ret = (struct sysfs_device) {
                .state = note.wedged ? DEVICE_WEDGED : DEVICE_ACTIVE,
                .inode = note.generation,
        };
        strcpy(ret->path, vf.look.path);
        snprintf(ret->parent, sizeof(ret->parent), "%s", task->parent);
        vgpu_type(number, ret->type);
        return TAKE_FD(vf.fd);
}

/* The VF has no type, but one was noted: others have taken it away, or a worker has died. The next one that others make
 * is theirs, also if it is of the same type. */
static void forget_what_is_gone(const struct task *task, const struct vgpu_vf *vf) {
        _cleanup_close_ int lock_fd = -1;
        struct vgpu_note note;
        uint32_t number;

        if (vgpu_note_load(task->parent, vf->look.types_inode, &note) < 0 || !*note.uuid)
                return;
        /* Whoever has the lock is about to write. */
        lock_fd = try_lock(task->parent);
        if (lock_fd < 0 || vgpu_read(vf, &number) < 0 || number > 0)
                return;
        if (vgpu_note_load(task->parent, vf->look.types_inode, &note) >= 0)
                vgpu_note_clear(task->parent, &note);
}

void vgpu_set_holds(const struct task *task, const struct vgpu_vf *vf, uint32_t number, struct report *report) {
        char type[VGPU_TYPE_SIZE];

        if (number == 0)
                forget_what_is_gone(task, vf);
        vgpu_type(number, type);
        report->holds = strdup(type);
}

static void tell_holds(const struct task *task, struct report *report) {
        _cleanup_vf_ struct vgpu_vf vf = { .fd = -1 };
        uint32_t number;

        if (vgpu_open(task->parent, &vf) >= 0 && vgpu_read(&vf, &number) >= 0)
                vgpu_set_holds(task, &vf, number, report);
}

/* The driver shows nothing of what a callout may change. */
static int compare(const struct task *task, struct failure *failure) {
        return 0;
}

const struct worker_backend vgpu_worker_backend = {
        .definition_backend = VGPU_BACKEND,
        .list_types = vgpu_list_types,
        .create = vgpu_create,
        .open_device = open_device,
        .remove = vgpu_remove,
        .compare = compare,
        .tell_holds = tell_holds,
};
