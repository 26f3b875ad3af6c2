/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A back end is one way in which the kernel offers devices to virtual machines. Mediated devices (mdev) are one.
 *
 * A back end has two tables of functions. This one has what may block: it writes and reads files that a driver
 * implements, so only a worker calls it. The other one is the daemon's.
 *
 * The rest of the worker knows no back end. It runs callouts, sets attributes, undoes a create, recovers from a crash,
 * and finds out whether a device is in use, because all devices are used by VFIO. For this a back end promises:
 *
 *   - A device has a directory in sysfs. Its attributes, and the links and files of VFIO, are in there.
 *   - The path of this directory together with a number, its inode, means one device. A later device differs in one of
 *     them, even if it has the same UUID.
 *   - A function looks at the kernel when it is called, and returns when what it says is true. It never believes the
 *     result of a write that the kernel does not keep to.
 *   - A function may sleep in the kernel for any time. When it waits by itself, it calls wait_unless_orphaned(). */

#include "worker/worker.h"

struct worker_backend {
        /* What the key "backend" of a definition says. NULL: there is no such key, so that mdevctl can tell that the
         * definition is one of its own. */
        const char *definition_backend;

        /* Lists the types of task->parent in report->types. Fills in @report: DONE or FAILED. */
        void (*list_types)(const struct task *task, struct report *report);

        /* Creates the device of the task, without its attributes. Calls intent_set_writing() right before the kernel
         * can learn of the device, and once more when the kernel has refused it. In between, recovery takes a device of
         * this UUID, parent and type for ours. Returns 0, or a negative number with @failure set: no device was
         * created. */
        int (*create)(const struct task *task, struct failure *failure);

        /* Finds the device of the task's UUID, also while it is being removed, and opens its directory with O_PATH.
         * Returns an fd or a negative errno: -ENOENT when there is no device. An error that is_shortage() says nothing
         * about the device. */
        int (*open_device)(const struct task *task, struct sysfs_device *ret);

        /* Removes the device at @path with @inode, unless somebody uses it (device_is_in_use()) or it is not complete.
         * Fills in @report. DONE: the device is gone, whoever has removed it. BUSY: it is in use, and nothing was
         * written. FAILED: it is still there. */
        void (*remove)(const struct task *task, const char *path, ino_t inode, struct report *report);

        /* Compares the device with task->attributes, to which a callout says that it has changed the device. Returns 0
         * when they agree, or when the kernel does not show it; or -1 with @failure set. */
        int (*compare)(const struct task *task, struct failure *failure);

        /* After a task that makes or removes a device: sets report->holds, where the daemon cannot see itself which
         * device a parent holds. There list_types() sets it, too. Optional. */
        void (*tell_holds)(const struct task *task, struct report *report);
};

/** backend_of() - the back end of the task's parent. */
const struct worker_backend *backend_of(const struct task *task);
