/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* VFIO groups: what a device's user opens. One process at a time can have /dev/vfio/GROUP open. What keeps a
 * device from being removed is not that, but the device fd that is got from it with VFIO_GROUP_GET_DEVICE_FD;
 * here the fd of the group stands for it from then on (kernel: drivers/vfio/vfio_main.c). */

#include <errno.h>
#include <linux/vfio.h>
#include <utlist.h>

#include "tests/simulator/vfio.h"

#define VFIO_MAJOR 511

typedef struct Waiter {
        struct Waiter *next;
        group_then_t then;
        void *userdata;
} Waiter;

struct Group {
        UT_hash_handle hh;
        Host *host;
        unsigned number;
        char name[12];          /* the number, */
        char vfio_name[16];     /* and with "vfio" before it */
        bool leaving;
        OpenFile *opened;
        Waiter *waiters;

        Node *device;           /* the mdev's directory */
        Node *vfio_dev;         /* …/UUID/vfio-dev/vfioN */
        Node *group_dir;        /* /sys/devices/virtual/vfio/N */
        Node *iommu_dir;        /* /sys/kernel/iommu_groups/N */
        Node *file;             /* /dev/vfio/N */
};

static int group_open(Node *node, OpenFile *file) {
        Group *group = node->owner;

        if (group->opened)
                return -EBUSY;

        group->opened = file;
        return 0;
}

static void group_release(Node *node, OpenFile *file) {
        Group *group = node->owner;
        Waiter *waiters, *waiter, *next;

        if (!group)
                return; /* the device has gone before its group was closed */

        group->opened = NULL;
        waiters = TAKE_PTR(group->waiters);
        LL_FOREACH_SAFE(waiters, waiter, next) {
                waiter->then(waiter->userdata);
                free(waiter);
        }
}

static int group_ioctl(Node *node, OpenFile *file, unsigned command) {
        Group *group = node->owner;

        if (command != VFIO_GROUP_GET_DEVICE_FD)
                return -ENOTTY;
        if (!group || group->leaving)
                return -ENODEV;

        file->in_use = true;
        return 0;
}

static const NodeOps group_file_ops = {
        .mode = S_IFREG | 0600,
        .open = group_open,
        .release = group_release,
        .ioctl = group_ioctl,
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

static int empty_show(Node *node, char *content) {
        return 0;
}

static int iommu_type_show(Node *node, char *content) {
        return sprintf(content, "unknown\n");
}

static const NodeOps group_uevent_ops = {.mode = S_IFREG | 0644, .show = group_uevent_show};
static const NodeOps group_dev_ops = {.mode = S_IFREG | 0444, .show = group_dev_show};
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

        node_new(tree, dir, "uevent", &empty_ops, group);
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

static void group_uevent(Group *group, Changes *changes, const char *action) {
        char major[24], minor[24], devname[40];
        const char *properties[] = {major, minor, devname, NULL};

        snprintf(major, sizeof(major), "MAJOR=%d", VFIO_MAJOR);
        snprintf(minor, sizeof(minor), "MINOR=%u", group->number);
        snprintf(devname, sizeof(devname), "DEVNAME=/dev/vfio/%u", group->number);
        changes_uevent(changes, action, "vfio", group->group_dir, properties);
}

/* What the driver's probe registers for a device. */
Group *group_new(Host *host, Changes *changes, Node *device) {
        Group *group;
        Node *dir;

        group = must(calloc(1, sizeof(Group)));
        group->host = host;
        group->device = device;
        group->number = host_take_group_number(host);
        snprintf(group->name, sizeof(group->name), "%u", group->number);
        snprintf(group->vfio_name, sizeof(group->vfio_name), "vfio%u", group->number);
        HASH_ADD(hh, host->groups, number, sizeof(group->number), group);

        group->iommu_dir = changes_add(changes, host->iommu_groups, group->name, &iommu_dir_ops, group);
        changes_add_link(changes, device, "iommu_group", group->iommu_dir);

        group->group_dir = changes_add(changes, host->virtual_vfio, group->name, &group_dir_ops, group);
        changes_add_link(changes, host->class_vfio, group->name, group->group_dir);
        group->file = changes_add(changes, host->dev_vfio, group->name, &group_file_ops, group);
        changes_visit(changes, group->file);
        group_uevent(group, changes, "add");

        dir = changes_add(changes, device, "vfio-dev", &node_directory_ops, NULL);
        group->vfio_dev = changes_add(changes, dir, group->vfio_name, &vfio_dev_ops, group);
        changes_add_link(changes, host->class_vfio_dev, group->vfio_name, group->vfio_dev);
        changes_uevent(changes, "add", "vfio-dev", group->vfio_dev, NULL);
        return group;
}

Group *group_free(Group *group, Changes *changes) {
        Host *host = group->host;

        changes_uevent(changes, "remove", "vfio-dev", group->vfio_dev, NULL);
        changes_find_and_remove(changes, host->class_vfio_dev, group->vfio_name);
        changes_find_and_remove(changes, group->device, "vfio-dev");

        /* Who has the group open keeps the file, of a group that is no more. */
        group->file->owner = NULL;
        group_uevent(group, changes, "remove");
        changes_remove(changes, &group->file);
        changes_find_and_remove(changes, host->class_vfio, group->name);
        changes_remove(changes, &group->group_dir);

        changes_find_and_remove(changes, group->device, "iommu_group");
        changes_remove(changes, &group->iommu_dir);

        HASH_DEL(host->groups, group);
        if (group->number < host->group_hint)
                host->group_hint = group->number;
        free(group);
        return NULL;
}

pid_t group_opener(const Group *group) {
        return group->opened ? group->opened->opener : 0;
}

void group_when_closed(Group *group, group_then_t then, void *userdata) {
        Waiter *waiter;

        if (!group->opened) {
                then(userdata);
                return;
        }

        waiter = must(malloc(sizeof(Waiter)));
        *waiter = (Waiter) {.then = then, .userdata = userdata};
        LL_APPEND(group->waiters, waiter);
}

/* From now on nobody can begin to use the device, and who uses it is waited for (vfio_unregister_group_dev). */
void group_leave(Group *group, group_then_t then, void *userdata) {
        group->leaving = true;
        if (group->opened && group->opened->in_use)
                group_when_closed(group, then, userdata);
        else
                then(userdata);
}

void vfio_init(Host *host) {
        Changes *changes = changes_new(host->notifier);

        changes_add(changes, host->dev_vfio, "vfio", &container_file_ops, NULL);
        changes_commit(changes, NULL, NULL);
}
