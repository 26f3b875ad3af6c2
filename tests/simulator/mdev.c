/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The mediated device core: how devices are made and removed, in the order of the kernel's drivers/vfio/mdev/
 * {mdev_core,mdev_sysfs}.c and drivers/base/{core,bus,dd}.c. Its sharp edges are the point:
 *
 * - A UUID is in the global list from before its device appears until after that has gone.
 * - Between device_add() and the link mdev_type lies the driver's probe. A `remove` written in that gap deletes
 *   itself and then gets EAGAIN: nobody can remove the device any more.
 * - Of several writers who got into `remove` together one removes; the others are told that all went well.
 * - The writer sleeps in unbinding until the device's user lets go. By then `uevent` and the link in
 *   /sys/bus/mdev/devices are gone, while the device's directory stays. */

#include <errno.h>
#include <utlist.h>
#include <uuid/uuid.h>

#include "tests/simulator/attributes.h"
#include "tests/simulator/mdev.h"

struct Mdev {
        UT_hash_handle hh;
        Mdev *prev, *next;      /* in parent->mdevs, from device_add() to device_del() */
        unsigned n_ref;
        char uuid[UUID_STR_LEN];
        Type *type;
        Node *node;
        Group *group;
        Attributes *attributes;
        bool has_instance;
        bool active;

        /* The device lock, which the driver's probe holds. */
        bool locked;
        Request *uevent_readers;

        Request *creator;
        Request *removers;      /* those that got into `remove` together; the first is the one that removes */
        int error;
        driver_then_t removed;
        void *userdata;
};

Mdev *host_find_mdev(Host *host, const char *uuid) {
        Mdev *mdev;

        HASH_FIND_STR(host->mdevs, uuid, mdev);
        return mdev;
}

/* The next that has a directory, after the last the first, NULL if there is none. */
Mdev *host_next_mdev(Host *host, Mdev *mdev) {
        for (unsigned i = HASH_COUNT(host->mdevs); i > 0; i--) {
                mdev = mdev && mdev->hh.next ? mdev->hh.next : host->mdevs;
                if (mdev->node)
                        return mdev;
        }

        return NULL;
}

Parent *mdev_parent(const Mdev *mdev) {
        return mdev->type->registration->parent;
}

Host *mdev_host(const Mdev *mdev) {
        return mdev_parent(mdev)->host;
}

Node *mdev_node(const Mdev *mdev) {
        return mdev->node;
}

Group *mdev_group(const Mdev *mdev) {
        return mdev->group;
}

static Changes *mdev_changes(const Mdev *mdev) {
        return changes_new(mdev_host(mdev)->notifier);
}

static Mdev *mdev_new(Type *type, const char *uuid, Request *creator) {
        Mdev *mdev;

        mdev = must(calloc(1, sizeof(Mdev)));
        mdev->n_ref = 1;
        mdev->type = type;
        mdev->creator = creator;
        memcpy(mdev->uuid, uuid, UUID_STR_LEN);
        (void) registration_ref(type->registration);
        HASH_ADD_STR(mdev_host(mdev)->mdevs, uuid, mdev);
        return mdev;
}

static Mdev *mdev_ref(Mdev *mdev) {
        mdev->n_ref++;
        return mdev;
}

/* The last reference takes the UUID out of the list (mdev_device_release). */
static void mdev_unref(Mdev *mdev) {
        Host *host = mdev_host(mdev);

        if (--mdev->n_ref > 0)
                return;

        HASH_DEL(host->mdevs, mdev);
        if (mdev->has_instance)
                type_give(mdev->type);
        attributes_free(mdev->attributes);
        (void) registration_unref(mdev->type->registration);
        free(mdev);
}

static void mdev_release(void *userdata) {
        mdev_unref(userdata);
}

static void mdev_uevent(Mdev *mdev, Changes *changes, const char *action, bool bound) {
        char driver[128];
        const char *properties[] = {bound ? driver : NULL, NULL};

        snprintf(driver, sizeof(driver), "DRIVER=%s", mdev_parent(mdev)->driver_name);
        changes_uevent(changes, action, "mdev", mdev->node, properties);
}

static int uevent_show(Node *node, char *content) {
        Mdev *mdev = node->owner;

        return snprintf(content, NODE_CONTENT_MAX, "DRIVER=%s\n", mdev_parent(mdev)->driver_name);
}

static void on_uevent_read(void *userdata) {
        request_show(userdata);
}

static void uevent_read(Node *node, Request *request) {
        Mdev *mdev = node->owner;

        if (mdev->locked)
                LL_APPEND(mdev->uevent_readers, request);
        else
                driver_run(&mdev_parent(mdev)->driver, OPERATION_UEVENT, on_uevent_read, request);
}

/* What `udevadm trigger` writes. */
static void uevent_write(Node *node, Request *request) {
        Mdev *mdev = node->owner;
        Changes *changes = mdev_changes(mdev);

        request->data[strcspn(request->data, " \n")] = '\0';
        mdev_uevent(mdev, changes, request->data, true);
        changes_commit(changes, NULL, NULL);
        request_finish(request, 0);
}

static void mdev_unlock(Mdev *mdev) {
        Request *readers = TAKE_PTR(mdev->uevent_readers), *request, *next;

        mdev->locked = false;
        LL_FOREACH_SAFE(readers, request, next)
                driver_run(&mdev_parent(mdev)->driver, OPERATION_UEVENT, on_uevent_read, request);
}

/* The end of device_del(): the directory goes, then the reference that the core held. */
static void mdev_directory_gone(void *userdata) {
        Mdev *mdev = userdata;
        driver_then_t removed = mdev->removed;
        void *then_userdata = mdev->userdata;

        driver_run(&mdev_parent(mdev)->driver, OPERATION_RELEASE, mdev_release, mdev);
        removed(then_userdata);
}

static void mdev_remove_directory(Mdev *mdev, Changes *changes) {
        mdev_uevent(mdev, changes, "remove", false);
        changes_remove(changes, &mdev->node);
        changes_commit(changes, mdev_directory_gone, mdev);
}

static void mdev_unbound(void *userdata) {
        Mdev *mdev = userdata;
        Changes *changes = mdev_changes(mdev);

        group_unregister(mdev->group, changes);
        mdev->group = group_free(mdev->group, changes);
        attributes_unbind(mdev->attributes);
        mdev_uevent(mdev, changes, "unbind", false);
        mdev_remove_directory(mdev, changes);
}

static void mdev_unused(void *userdata) {
        Mdev *mdev = userdata;

        driver_run(&mdev_parent(mdev)->driver, OPERATION_REMOVE, mdev_unbound, mdev);
}

static void mdev_unbind(void *userdata) {
        Mdev *mdev = userdata;

        group_leave(mdev->group, mdev_unused, mdev);
}

/* The beginning of device_del(), up to the call of the driver. */
static void mdev_device_del(Mdev *mdev, Changes *changes) {
        Host *host = mdev_host(mdev);

        DL_DELETE(mdev_parent(mdev)->mdevs, mdev);
        changes_find_and_remove(changes, mdev->node, "power");
        changes_find_and_remove(changes, mdev->node, "uevent");
        changes_find_and_remove(changes, mdev->node, "remove");
        changes_find_and_remove(changes, mdev->node, "subsystem");
        changes_find_and_remove(changes, host->bus_mdev_devices, mdev->uuid);
        changes_find_and_remove(changes, mdev->node, "driver");
        changes_find_and_remove(changes, mdev_parent(mdev)->driver_dir, mdev->uuid);
        attributes_remove(changes, mdev);
}

static void mdev_remove_common(Mdev *mdev, Changes *changes) {
        mdev->active = false;
        changes_find_and_remove(changes, mdev->node, "mdev_type");
        changes_find_and_remove(changes, mdev->type->devices, mdev->uuid);
        mdev_device_del(mdev, changes);
}

/* As unregistering a parent does it: whatever state the device is in, and whoever wrote to `remove` before. */
void mdev_remove(Mdev *mdev, driver_then_t then, void *userdata) {
        Changes *changes = mdev_changes(mdev);

        mdev->removed = then;
        mdev->userdata = userdata;
        mdev_remove_common(mdev, changes);
        changes_commit(changes, mdev_unbind, mdev);
}

/* Answers those that got into `remove` together: the first with what came out, the others with success. */
static void removers_finish(Request *removers, int error) {
        Request *request, *next;

        LL_FOREACH_SAFE(removers, request, next)
                request_finish(request, request == removers ? error : 0);
}

/* For the writer the core's reference has gone already; the parent must still be there. */
static void remover_done(void *userdata) {
        Request *remover = userdata;
        Parent *parent = remover->owner;

        request_finish(remover, 0);
        parent_leave(parent);
}

static void remover_removed_file(void *userdata) {
        Mdev *mdev = userdata;
        Request *losers = mdev->removers->next, *request, *next;

        mdev->userdata = TAKE_PTR(mdev->removers);
        LL_FOREACH_SAFE(losers, request, next)
                request_finish(request, 0);

        mdev_unbind(mdev);
        mdev_unref(mdev);
}

static void remover_failed(void *userdata) {
        Mdev *mdev = userdata;

        removers_finish(TAKE_PTR(mdev->removers), mdev->error);
        mdev_unref(mdev);
}

/* mdev_device_remove(): clears active, and then may find that the parent is going. */
static int mdev_begin_remove(Mdev *mdev) {
        if (!mdev->active)
                return -EAGAIN;

        mdev->active = false;
        return parent_enter(mdev_parent(mdev)) ? 0 : -ENODEV;
}

/* remove_store(): the file deletes itself first, and is never made again. */
static void mdev_remove_self(void *userdata) {
        Mdev *mdev = userdata;
        Node *file = mdev->node ? node_find(mdev->node, "remove") : NULL;
        Changes *changes;

        if (!file) {
                Request *request, *next;

                LL_FOREACH_SAFE(mdev->removers, request, next)
                        request_finish(request, -ENODEV);
                mdev->removers = NULL;
                mdev_unref(mdev);
                return;
        }

        changes = mdev_changes(mdev);
        changes_remove(changes, &file);

        mdev->error = mdev_begin_remove(mdev);
        if (mdev->error < 0) {
                changes_commit(changes, remover_failed, mdev);
                return;
        }

        mdev->removers->owner = mdev_parent(mdev);
        mdev->removed = remover_done;
        mdev_remove_common(mdev, changes);
        changes_commit(changes, remover_removed_file, mdev);
}

static int parse_remove(const char *data, bool *ret) {
        char *end;
        unsigned long value;

        errno = 0;
        value = strtoul(data, &end, 0);
        if (errno > 0 || end == data || (*end && !streq(end, "\n")))
                return -EINVAL;

        *ret = value > 0;
        return 0;
}

static void remove_write(Node *node, Request *request) {
        Mdev *mdev = node->owner;
        bool value = false;
        int r;

        r = driver_take_failure(&mdev_parent(mdev)->driver, "remove");
        if (r >= 0)
                r = parse_remove(request->data, &value);
        if (r < 0 || !value) {
                request_finish(request, r);
                return;
        }

        LL_APPEND(mdev->removers, request);
        if (mdev->removers == request)
                driver_run(&mdev_parent(mdev)->driver, OPERATION_ENTER, mdev_remove_self, mdev_ref(mdev));
}

static const NodeOps remove_ops = {
        .mode = S_IFREG | 0200,
        .new_inode_at_lookup = true,
        .write = remove_write,
};
static const NodeOps uevent_ops = {
        .mode = S_IFREG | 0644,
        .show = uevent_show,
        .read = uevent_read,
        .write = uevent_write,
};

static void creator_finish(Mdev *mdev, int error) {
        Parent *parent = mdev_parent(mdev);

        request_finish(TAKE_PTR(mdev->creator), error);
        parent_leave(parent);
}

static void creator_done(void *userdata) {
        creator_finish(userdata, 0);
}

/* The core's reference has gone already, so everything needed is in the request. */
static void creator_undone(void *userdata) {
        Request *creator = userdata;
        Parent *parent = creator->owner;
        int error = creator->error;

        request_finish(creator, error);
        parent_leave(parent);
}

static void mdev_probe_failed(Mdev *mdev, int error) {
        Changes *changes = mdev_changes(mdev);

        mdev->creator->owner = mdev_parent(mdev);
        mdev->creator->error = error;
        mdev->userdata = TAKE_PTR(mdev->creator);
        mdev->removed = creator_undone;

        mdev_device_del(mdev, changes);
        mdev_unlock(mdev);
        mdev_remove_directory(mdev, changes);
}

/* The driver's part of probing is done: what it registers, then the core's links, the last of which is
 * mdev_type. */
static void mdev_probed(void *userdata) {
        Mdev *mdev = userdata;
        Parent *parent = mdev_parent(mdev);
        Changes *changes;
        int r;

        r = driver_take_failure(&parent->driver, "create");
        if (r >= 0 && !mdev->has_instance) {
                mdev->has_instance = type_take(mdev->type);
                r = mdev->has_instance ? 0 : -ENOSPC;
        }
        if (r < 0) {
                mdev_probe_failed(mdev, r);
                return;
        }

        changes = mdev_changes(mdev);
        mdev->group = group_new(parent->host, changes, mdev->node);
        group_register(mdev->group, changes, NULL, NULL);
        mdev->attributes = attributes_new(changes, mdev);
        mdev_unlock(mdev);
        mdev_uevent(mdev, changes, "bind", true);

        changes_add_link(changes, mdev->type->devices, mdev->uuid, mdev->node);
        changes_add_link(changes, mdev->node, "mdev_type", mdev->type->devices->parent);
        mdev->active = true;
        changes_commit(changes, creator_done, mdev);
}

static void mdev_probe(void *userdata) {
        Mdev *mdev = userdata;

        driver_run(&mdev_parent(mdev)->driver, OPERATION_CREATE, mdev_probed, mdev);
}

static void mdev_device_add(Mdev *mdev) {
        Parent *parent = mdev_parent(mdev);
        Host *host = parent->host;
        Changes *changes = mdev_changes(mdev);

        mdev->locked = true;
        mdev->node = changes_add(changes, parent->device, mdev->uuid, &node_directory_ops, mdev);
        changes_add(changes, mdev->node, "uevent", &uevent_ops, mdev);
        changes_add(changes, mdev->node, "remove", &remove_ops, mdev);
        changes_add(changes, mdev->node, "power", &power_directory_ops, host);
        changes_add_link(changes, mdev->node, "subsystem", host->bus_mdev);
        changes_add_link(changes, host->bus_mdev_devices, mdev->uuid, mdev->node);
        mdev_uevent(mdev, changes, "add", false);

        /* device_driver_attach() links the driver before it probes */
        changes_add_link(changes, mdev->node, "driver", parent->driver_dir);
        changes_add_link(changes, parent->driver_dir, mdev->uuid, mdev->node);

        DL_APPEND(parent->mdevs, mdev);
        changes_commit(changes, mdev_probe, mdev);
}

/* create_store(): 36 characters, and one more of any kind. */
static int parse_uuid(const Request *request, char *uuid) {
        char text[UUID_STR_LEN] = "";
        uuid_t binary;

        if (request->size < UUID_STR_LEN - 1 || request->size > UUID_STR_LEN)
                return -EINVAL;

        memcpy(text, request->data, UUID_STR_LEN - 1);
        if (uuid_parse(text, binary) < 0)
                return -EINVAL;

        uuid_unparse_lower(binary, uuid);
        return 0;
}

void mdev_create(Type *type, Request *request) {
        Parent *parent = type->registration->parent;
        char uuid[UUID_STR_LEN];
        bool taken = false;
        Mdev *mdev;
        int r;

        r = parse_uuid(request, uuid);
        if (r >= 0 && host_find_mdev(parent->host, uuid))
                r = -EEXIST;
        if (r >= 0 && !parent->options.driver_counts) {
                taken = type_take(type);
                r = taken ? 0 : -EUSERS;
        }
        if (r < 0) {
                request_finish(request, r);
                return;
        }

        mdev = mdev_new(type, uuid, request);
        mdev->has_instance = taken;
        if (!parent_enter(parent)) {
                mdev_unref(mdev);
                request_finish(request, -ENODEV);
                return;
        }

        mdev_device_add(mdev);
}
