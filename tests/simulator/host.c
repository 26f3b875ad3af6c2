/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The simulated host: what exists once, and the parts of /sys that are always there. */

#include <errno.h>

#include "tests/simulator/host.h"

/* Directories that every kernel has; some are where init mounts things. */
static const char *const skeleton[] = {
        "block",    "bus/pci/drivers", "dev/block",       "dev/char", "firmware",
        "fs/cgroup", "hypervisor",     "kernel/debug",    "module/mdev", "power",
};

static int seqnum_show(Node *node, char *content) {
        return sprintf(content, "%llu\n", (unsigned long long) udev_seqnum(node->owner));
}

static const NodeOps seqnum_ops = {.mode = S_IFREG | 0444, .show = seqnum_show};

/* The state of a device's power management is its owner pointer. */
static int power_control_show(Node *node, char *content) {
        return sprintf(content, "%s\n", (const char *) node->owner);
}

static void power_control_write(Node *node, Request *request) {
        static const char *const states[] = {"auto", "on"};

        request->data[strcspn(request->data, "\n")] = '\0';
        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (streq(request->data, states[i])) {
                        node->owner = (void *) states[i];
                        request_finish(request, 0);
                        return;
                }

        request_finish(request, -EINVAL);
}

static const NodeOps power_control_ops = {
        .mode = S_IFREG | 0644,
        .show = power_control_show,
        .write = power_control_write,
};

static void power_populate(Node *dir) {
        Host *host = dir->owner;

        node_new(host->tree, dir, "control", &power_control_ops, (void *) "auto");
}

const NodeOps power_directory_ops = {.mode = S_IFDIR | 0755, .populate = power_populate};

static const NodeOps hidden_directory_ops = {.mode = S_IFDIR | 0755, .hidden = true};

void changes_find_and_remove(Changes *changes, Node *dir, const char *name) {
        Node *node = node_find(dir, name);

        changes_remove(changes, &node);
}

/* Finds or makes the directories of a relative path. */
Node *changes_make_path(Changes *changes, Node *base, const char *path) {
        _cleanup_free_ char *copy = must(strdup(path));
        char *state = NULL;

        for (char *name = strtok_r(copy, "/", &state); name; name = strtok_r(NULL, "/", &state)) {
                Node *next = node_find(base, name);

                base = next ? next : changes_add(changes, base, name, &node_directory_ops, NULL);
        }

        return base;
}

static void host_make_skeleton(Host *host) {
        Node *root = tree_root(host->tree), *kernel;
        Changes *changes = changes_new(host->notifier);

        for (size_t i = 0; i < ELEMENTSOF(skeleton); i++)
                changes_make_path(changes, root, skeleton[i]);

        host->devices = changes_make_path(changes, root, "devices");
        host->class = changes_make_path(changes, root, "class");
        host->class_mdev_bus = changes_make_path(changes, root, "class/mdev_bus");
        host->class_vfio = changes_make_path(changes, root, "class/vfio");
        host->class_vfio_dev = changes_make_path(changes, root, "class/vfio-dev");
        host->bus_mdev = changes_make_path(changes, root, "bus/mdev");
        host->bus_mdev_devices = changes_make_path(changes, root, "bus/mdev/devices");
        host->bus_mdev_drivers = changes_make_path(changes, root, "bus/mdev/drivers");
        host->iommu_groups = changes_make_path(changes, root, "kernel/iommu_groups");
        host->virtual_vfio = changes_make_path(changes, root, "devices/virtual/vfio");

        kernel = changes_make_path(changes, root, "kernel");
        changes_add(changes, kernel, "uevent_seqnum", &seqnum_ops, host->udev);
        host->dev_vfio = changes_add(changes, root, ".dev-vfio", &hidden_directory_ops, NULL);
        changes_commit(changes, NULL, NULL);
}

int host_new(Host **ret, sd_event *event) {
        Host *host;
        int r;

        host = must(calloc(1, sizeof(Host)));
        host->event = event;
        host->tree = tree_new();

        r = udev_new(&host->udev, event);
        if (r >= 0)
                r = notifier_new(&host->notifier, event, host->tree, host->udev);
        if (r < 0)
                return r;

        host_make_skeleton(host);
        *ret = host;
        return 0;
}
