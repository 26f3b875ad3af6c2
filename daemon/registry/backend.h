/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A back end is one way in which the kernel offers devices to virtual machines. Mediated devices (mdev) are one.
 *
 * A back end has two tables of functions. This one is the daemon's. It reads links and directories of the driver core,
 * and what workers have read, so it never blocks: a file that a driver implements can block, and is for workers only
 * (worker/backend.h). The rest of the daemon knows no back end.
 *
 * The registry looks whenever something may have changed, and takes each look for the truth. So a back end promises:
 *
 *   - A look says what is there at this moment. It fails with -ENOENT when there is nothing. An error that
 *     is_shortage() means that nothing could be seen: then what is known stays, and is looked at again.
 *   - A device is found as long as it has a directory, also while it is being removed. A look that happens during a
 *     removal never shows a device that is being created.
 *   - The path and the inode of a device, and the two numbers of a parent, mean one device and one registration. When
 *     something else takes their place, one of them differs.
 *   - A name that a caller has given is compared with those that the kernel lists. No path is made of it before.
 *   - Looks that change nothing are harmless, and events may be lost: the registry also asks for everything. Devices in
 *     DEVICE_STARTING and DEVICE_STOPPING are looked at again without any event, until they are in another state. */

#include <systemd/sd-device.h>

#include "common/device.h"
#include "daemon/registry/mdev-type.h"

struct device;
struct parent;
struct report;
struct registry;

struct backend {
        /* What the property Backend says. */
        const char *name;

        /* Calls registry_touch_device() and registry_touch_parent() with everything that the kernel has. A parent comes
         * after the devices that the kernel lists: those that are active must be known before autostart sees their
         * parent. Returns 0 or a negative errno. */
        int (*enumerate)(struct registry *registry);

        /* Calls the same functions with what a message from udev may be about. Nothing but the message may be read of
         * the sd_device. */
        void (*on_uevent)(struct registry *registry, sd_device *event);

        /* Whether the kernel lists a parent with this name. The name may come from a caller. Returns 1, 0 or a negative
         * errno. */
        int (*lists_parent)(const char *name);

        /* Looks at a parent whose name the kernel has given. Returns 0 or a negative errno. */
        int (*look_at_parent)(const char *name, struct sysfs_parent *ret);

        /* Whether the parent has the type now. The type may come from a caller. */
        bool (*has_type)(const struct parent *parent, const char *type);

        /* Whether the kernel lists a device with this UUID, which may come from a caller. Returns 1, 0 or a negative
         * errno. */
        int (*lists_device)(struct registry *registry, const char *uuid);

        /* Looks at a device. @path is where it was seen last, or may be, or NULL. Returns 0 or a negative errno. */
        int (*look_at_device)(struct registry *registry, const char *uuid, const char *path, struct sysfs_device *ret);

        /* The path that the directory of a device with this UUID has on this parent. Returns 0 or a negative errno. */
        int (*device_path)(const struct parent *parent, const char *uuid, char ret[static PATH_MAX]);

        /* The inode of the device at @path. Returns 0 or a negative errno. */
        int (*device_inode)(struct registry *registry, const char *path, ino_t *ret);

        /* A worker says which device the parent holds: the type @holds, or "" for none. It is called when nobody else
         * is making or removing one. A back end that can see its devices itself has none of the next five functions. */
        void (*take_holds)(struct parent *parent, const char *holds);

        /* A worker is about to make or remove a device of the parent; or is not any more. */
        void (*set_changing)(struct parent *parent, bool changing, bool removes);

        /* A worker has read the types of the parent: adds those that it has, too. Returns 0 or -ENOMEM. */
        int (*complete_types)(struct parent *parent, struct mdev_types *types);

        /* A parent has appeared: takes over what is noted of its device. */
        void (*recall)(struct parent *parent);

        /* Frees what parent->kept has. */
        void (*forget_parent)(struct parent *parent);

        /* Whether nobody has begun to remove the device at @path, which was complete. A look would say more and cost
         * more. */
        bool (*is_intact)(const char *path);

        /* Whether definitions must say of which kind their device is, because mdevctl does not know the kind. */
        bool is_named_in_definitions;

        /* How long what was read of the types is good enough for ListTypes, in µs, if nothing is known to have changed.
         * A card may have so many parents that reading all of them takes longer than the rest of the call. */
        uint64_t fresh_usec;

        /* Whether a parent holds one device at most, for which several UUIDs may compete. */
        bool has_one_device;

        /* The subsystem of devices: a new one is ready for its users when udev has processed its `bind`, and `add` of
         * its group. NULL: it is ready at once. */
        const char *subsystem;

        /* Whether a device may look wedged for a moment while it is being removed. */
        bool looks_wedged_in_removal;

        /* Says what has happened to a device that is DEVICE_WEDGED, and what an administrator can do: the text behind
         * "Device UUID is wedged: ". */
        void (*explain_wedged)(const struct device *device, char *ret, size_t size);

        /* How long a device that somebody else has made must be left alone when it has become DEVICE_ACTIVE, in µs. */
        uint64_t grace_usec;
};
