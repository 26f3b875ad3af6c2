/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* VFIO groups and devices: what a device's user opens (kernel: drivers/vfio/{group,device_cdev,vfio_main}.c).
 *
 * One process at a time can have /dev/vfio/GROUP open. What keeps a device from being removed is not that, but the
 * device fd that is got from it with VFIO_GROUP_GET_DEVICE_FD; here the fd of the group stands for it from then on.
 * /dev/vfio/devices/vfioN is the device itself: each open file of it delays the removal, and the one that has been
 * bound to an IOMMU uses the device. The group cannot be opened while there is such a one, nor the other way round. */

#include <errno.h>
#include <linux/vfio.h>
#include <utlist.h>

#include "tests/simulator/vfio.h"

#ifndef VFIO_DEVICE_BIND_IOMMUFD /* Linux 6.6 */
#define VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#endif

#define VFIO_MAJOR 511
#define CDEV_MAJOR 510

typedef struct Waiter {
        struct Waiter *next;
        bool for_device;        /* an open group alone does not matter */
        group_then_t then;
        void *userdata;
} Waiter;

struct Group {
        UT_hash_handle hh;
        Host *host;
        unsigned number;
        char name[12];          /* the number */
        GroupUser user;
        void *userdata;
        bool leaving;
        OpenFile *opened;
        OpenFile *bound;        /* the file of the cdev that uses the device */
        unsigned n_cdev;        /* all open files of the cdev */
        Waiter *waiters;

        Node *device;           /* the device's directory */
        Node *group_dir;        /* /sys/devices/virtual/vfio/N */
        Node *iommu_dir;        /* /sys/kernel/iommu_groups/N */
        Node *file;             /* /dev/vfio/N */

        UT_hash_handle hh_vfio;
        unsigned vfio_number;
        char vfio_name[16];     /* "vfio" and that number */
        Node *vfio_dev;         /* …/DEVICE/vfio-dev/vfioN */
        Node *cdev;             /* /dev/vfio/devices/vfioN */
};

static bool group_is_open(const Group *group, bool for_device) {
        if (group->n_cdev > 0)
                return true;
        return group->opened && (!for_device || group->opened->in_use);
}

/* Whether somebody has the device, not only its group. */
bool group_is_in_use(const Group *group) {
        return group->bound || (group->opened && group->opened->in_use);
}

/* The file with which somebody uses the device. */
static int group_use(Group *group, OpenFile *file) {
        int r;

        if (!group || group->leaving)
                return -ENODEV;
        if (file->in_use)
                return 0;

        r = group->user.open ? group->user.open(group->userdata) : 0;
        if (r >= 0)
                file->in_use = true;
        return r;
}

/* Continues what waits for less than there is now. */
static void group_wake(Group *group) {
        Waiter *waiters = TAKE_PTR(group->waiters), *waiter, *next;

        LL_FOREACH_SAFE(waiters, waiter, next)
                if (group_is_open(group, waiter->for_device)) {
                        LL_DELETE(waiters, waiter);
                        LL_APPEND(group->waiters, waiter);
                }
        /* A waiter may free the group. */
        LL_FOREACH_SAFE(waiters, waiter, next) {
                waiter->then(waiter->userdata);
                free(waiter);
        }
}

static void group_file_closed(Group *group, OpenFile *file) {
        if (file->in_use && group->user.closed)
                group->user.closed(group->userdata);
        group_wake(group);
}

static int group_open(Node *node, OpenFile *file) {
        Group *group = node->owner;

        if (group->opened || group->bound)
                return -EBUSY;

        group->opened = file;
        return 0;
}

static void group_release(Node *node, OpenFile *file) {
        Group *group = node->owner;

        if (!group)
                return; /* the device has gone before its group was closed */

        group->opened = NULL;
        group_file_closed(group, file);
}

static int group_ioctl(Node *node, OpenFile *file, unsigned command) {
        return command == VFIO_GROUP_GET_DEVICE_FD ? group_use(node->owner, file) : -ENOTTY;
}

static int cdev_open(Node *node, OpenFile *file) {
        Group *group = node->owner;

        if (group->leaving)
                return -ENODEV;

        group->n_cdev++;
        return 0;
}

static void cdev_release(Node *node, OpenFile *file) {
        Group *group = node->owner;

        group->n_cdev--;
        if (group->bound == file)
                group->bound = NULL;
        group_file_closed(group, file);
}

static int cdev_ioctl(Node *node, OpenFile *file, unsigned command) {
        Group *group = node->owner;
        int r;

        if (command != VFIO_DEVICE_BIND_IOMMUFD)
                return -ENOTTY;
        if (group->opened)
                return -EBUSY;
        if (group->bound)
                return -EINVAL;

        r = group_use(group, file);
        if (r >= 0)
                group->bound = file;
        return r;
}

static const NodeOps group_file_ops = {
        .mode = S_IFREG | 0600,
        .open = group_open,
        .release = group_release,
        .ioctl = group_ioctl,
};

static const NodeOps cdev_ops = {
        .mode = S_IFREG | 0600,
        .open = cdev_open,
        .release = cdev_release,
        .ioctl = cdev_ioctl,
};

/* /dev/vfio/vfio, the container. */
static const NodeOps container_file_ops = {.mode = S_IFREG | 0666};

static int group_uevent_show(Node *node, char *content) {
        Group *group = node->owner;

        return sprintf(content, "MAJOR=%d\nMINOR=%u\nDEVNAME=vfio/%u\n", VFIO_MAJOR, group->number, group->number);
}

static int group_dev_show(Node *node, char *content) {
        Group *group = node->owner;

        return sprintf(content, "%d:%u\n", VFIO_MAJOR, group->number);
}

static int cdev_uevent_show(Node *node, char *content) {
        Group *group = node->owner;

        return sprintf(content, "MAJOR=%d\nMINOR=%u\nDEVNAME=vfio/devices/%s\n", CDEV_MAJOR, group->vfio_number,
                       group->vfio_name);
}

static int cdev_dev_show(Node *node, char *content) {
        Group *group = node->owner;

        return sprintf(content, "%d:%u\n", CDEV_MAJOR, group->vfio_number);
}

static int empty_show(Node *node, char *content) {
        return 0;
}

static int iommu_type_show(Node *node, char *content) {
        return sprintf(content, "unknown\n");
}

static const NodeOps group_uevent_ops = {.mode = S_IFREG | 0644, .show = group_uevent_show};
static const NodeOps group_dev_ops = {.mode = S_IFREG | 0444, .show = group_dev_show};
static const NodeOps cdev_uevent_ops = {.mode = S_IFREG | 0644, .show = cdev_uevent_show};
static const NodeOps cdev_dev_ops = {.mode = S_IFREG | 0444, .show = cdev_dev_show};
static const NodeOps empty_ops = {.mode = S_IFREG | 0644, .show = empty_show};
static const NodeOps iommu_type_ops = {.mode = S_IFREG | 0444, .show = iommu_type_show};

static void group_dir_populate(Node *dir) {
        Group *group = dir->owner;
        Tree *tree = group->host->tree;

        node_new(tree, dir, "uevent", &group_uevent_ops, group);
        node_new(tree, dir, "dev", &group_dev_ops, group);
        node_new_link(tree, dir, "subsystem", group->host->class_vfio);
        node_new(tree, dir, "power", &power_directory_ops, group->host);
}

static void iommu_dir_populate(Node *dir) {
        Group *group = dir->owner;
        Tree *tree = group->host->tree;
        Node *devices;

        node_new(tree, dir, "type", &iommu_type_ops, group);
        node_new(tree, dir, "reserved_regions", &empty_ops, group);
        devices = node_new(tree, dir, "devices", &node_directory_ops, NULL);
        node_new_link(tree, devices, group->device->name, group->device);
}

static void vfio_dev_populate(Node *dir) {
        Group *group = dir->owner;
        Tree *tree = group->host->tree;

        node_new(tree, dir, "uevent", group->user.has_cdev ? &cdev_uevent_ops : &empty_ops, group);
        if (group->user.has_cdev)
                node_new(tree, dir, "dev", &cdev_dev_ops, group);
        node_new_link(tree, dir, "device", group->device);
        node_new_link(tree, dir, "subsystem", group->host->class_vfio_dev);
        node_new(tree, dir, "power", &power_directory_ops, group->host);
}

static const NodeOps group_dir_ops = {.mode = S_IFDIR | 0755, .populate = group_dir_populate};
static const NodeOps iommu_dir_ops = {.mode = S_IFDIR | 0755, .populate = iommu_dir_populate};
static const NodeOps vfio_dev_ops = {.mode = S_IFDIR | 0755, .populate = vfio_dev_populate};

/* The lowest free number, as the kernel does: a number comes back soon, for another device. */
static unsigned host_take_group_number(Host *host) {
        for (;; host->group_hint++) {
                Group *group;

                HASH_FIND(hh, host->groups, &host->group_hint, sizeof(unsigned), group);
                if (!group)
                        return host->group_hint++;
        }
}

static unsigned host_take_vfio_number(Host *host) {
        for (;; host->vfio_hint++) {
                Group *group;

                HASH_FIND(hh_vfio, host->vfio_devices, &host->vfio_hint, sizeof(unsigned), group);
                if (!group)
                        return host->vfio_hint++;
        }
}

static void device_uevent(Changes *changes, const char *action, const char *subsystem, const Node *device, int major,
                          unsigned minor, const char *name) {
        char major_property[24], minor_property[24], devname[48];
        const char *properties[] = {major_property, minor_property, devname, NULL};

        snprintf(major_property, sizeof(major_property), "MAJOR=%d", major);
        snprintf(minor_property, sizeof(minor_property), "MINOR=%u", minor);
        snprintf(devname, sizeof(devname), "DEVNAME=/dev/vfio/%s", name);
        changes_uevent(changes, action, subsystem, device, properties);
}

static void group_uevent(Group *group, Changes *changes, const char *action) {
        device_uevent(changes, action, "vfio", group->group_dir, VFIO_MAJOR, group->number, group->name);
}

static void vfio_dev_uevent(Group *group, Changes *changes, const char *action) {
        char name[32];

        snprintf(name, sizeof(name), "devices/%s", group->vfio_name);
        if (group->user.has_cdev)
                device_uevent(changes, action, "vfio-dev", group->vfio_dev, CDEV_MAJOR, group->vfio_number, name);
        else
                changes_uevent(changes, action, "vfio-dev", group->vfio_dev, NULL);
}

/* The IOMMU group of a device. */
Group *group_new(Host *host, Changes *changes, Node *device) {
        Group *group;

        group = must(calloc(1, sizeof(Group)));
        group->host = host;
        group->device = device;
        group->number = host_take_group_number(host);
        snprintf(group->name, sizeof(group->name), "%u", group->number);
        HASH_ADD(hh, host->groups, number, sizeof(group->number), group);

        group->iommu_dir = changes_add(changes, host->iommu_groups, group->name, &iommu_dir_ops, group);
        changes_add_link(changes, device, "iommu_group", group->iommu_dir);
        return group;
}

static void group_add_cdev(Group *group, Changes *changes) {
        Node *directory = changes_make_path(changes, group->host->dev_vfio, "devices");

        group->cdev = changes_add(changes, directory, group->vfio_name, &cdev_ops, group);
        changes_visit(changes, group->cdev);
}

/* devtmpfs removes a directory that is empty. */
static void group_remove_cdev(Group *group, Changes *changes) {
        Node *directory = group->cdev->parent;

        changes_remove(changes, &group->cdev);
        if (!node_children(directory))
                changes_remove(changes, &directory);
}

/* What the probe of a driver registers with VFIO. A driver that adds nothing is NULL. */
void group_register(Group *group, Changes *changes, const GroupUser *user, void *userdata) {
        Host *host = group->host;
        Node *dir;

        group->user = user ? *user : (GroupUser) {0};
        group->userdata = userdata;
        group->leaving = false;

        if (!group->user.no_group) {
                group->group_dir = changes_add(changes, host->virtual_vfio, group->name, &group_dir_ops, group);
                changes_add_link(changes, host->class_vfio, group->name, group->group_dir);
                group->file = changes_add(changes, host->dev_vfio, group->name, &group_file_ops, group);
                changes_visit(changes, group->file);
                group_uevent(group, changes, "add");
        }

        group->vfio_number = host_take_vfio_number(host);
        snprintf(group->vfio_name, sizeof(group->vfio_name), "vfio%u", group->vfio_number);
        HASH_ADD(hh_vfio, host->vfio_devices, vfio_number, sizeof(group->vfio_number), group);
        dir = changes_add(changes, group->device, "vfio-dev", &node_directory_ops, NULL);
        group->vfio_dev = changes_add(changes, dir, group->vfio_name, &vfio_dev_ops, group);
        changes_add_link(changes, host->class_vfio_dev, group->vfio_name, group->vfio_dev);
        if (group->user.has_cdev)
                group_add_cdev(group, changes);
        vfio_dev_uevent(group, changes, "add");
}

void group_unregister(Group *group, Changes *changes) {
        Host *host = group->host;

        vfio_dev_uevent(group, changes, "remove");
        if (group->cdev)
                group_remove_cdev(group, changes);
        changes_find_and_remove(changes, host->class_vfio_dev, group->vfio_name);
        changes_find_and_remove(changes, group->device, "vfio-dev");
        HASH_DELETE(hh_vfio, host->vfio_devices, group);
        if (group->vfio_number < host->vfio_hint)
                host->vfio_hint = group->vfio_number;

        if (!group->file)
                return;
        /* If somebody has the group open, they keep the file of a group that is no more. */
        group->file->owner = NULL;
        group->opened = NULL;
        group_wake(group);
        group_uevent(group, changes, "remove");
        changes_remove(changes, &group->file);
        changes_find_and_remove(changes, host->class_vfio, group->name);
        changes_remove(changes, &group->group_dir);
}

Group *group_free(Group *group, Changes *changes) {
        Host *host = group->host;

        changes_find_and_remove(changes, group->device, "iommu_group");
        changes_remove(changes, &group->iommu_dir);

        HASH_DEL(host->groups, group);
        if (group->number < host->group_hint)
                host->group_hint = group->number;
        free(group);
        return NULL;
}

pid_t group_opener(const Group *group) {
        if (group->opened)
                return group->opened->opener;
        return group->bound ? group->bound->opener : 0;
}

static void group_wait(Group *group, bool for_device, group_then_t then, void *userdata) {
        Waiter *waiter;

        if (!group_is_open(group, for_device)) {
                then(userdata);
                return;
        }

        waiter = must(malloc(sizeof(Waiter)));
        *waiter = (Waiter) {.for_device = for_device, .then = then, .userdata = userdata};
        LL_APPEND(group->waiters, waiter);
}

void group_when_closed(Group *group, group_then_t then, void *userdata) {
        group_wait(group, false, then, userdata);
}

/* From now on nobody can begin to use the device, and who uses it is waited for (vfio_unregister_group_dev). */
void group_leave(Group *group, group_then_t then, void *userdata) {
        group->leaving = true;
        group_wait(group, true, then, userdata);
}

void vfio_init(Host *host) {
        Changes *changes = changes_new(host->notifier);

        changes_add(changes, host->dev_vfio, "vfio", &container_file_ops, NULL);
        changes_commit(changes, NULL, NULL);
}
