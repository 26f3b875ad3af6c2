/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A PCI device: its directory, its link to a driver, and its lock (kernel: drivers/pci/pci-sysfs.c, drivers/base/
 * core.c). */

#include <utlist.h>

#include "tests/simulator/pci.h"

typedef struct PciWaiter {
        struct PciWaiter *next;
        driver_then_t then;
        void *userdata;
} PciWaiter;

void pci_init(Pci *pci, Host *host, const char *name, const PciIds *ids) {
        *pci = (Pci) {.host = host, .ids = ids, .faults = {.event = host->event}};
        snprintf(pci->name, sizeof(pci->name), "%s", name);
}

/* The device's lock. Whoever binds or unbinds the device, or changes the number of its functions, has it meanwhile. */
void pci_lock(Pci *pci, driver_then_t then, void *userdata) {
        PciWaiter *waiter;

        if (!pci->locked) {
                pci->locked = true;
                then(userdata);
                return;
        }

        waiter = must(malloc(sizeof(PciWaiter)));
        *waiter = (PciWaiter) {.then = then, .userdata = userdata};
        LL_APPEND(pci->waiters, waiter);
}

void pci_unlock(Pci *pci) {
        PciWaiter *waiter = pci->waiters;
        driver_then_t then;
        void *userdata;

        pci->locked = false;
        if (!waiter)
                return;

        LL_DELETE(pci->waiters, waiter);
        then = waiter->then;
        userdata = waiter->userdata;
        free(waiter);
        pci_lock(pci, then, userdata);
}

static int vendor_show(Node *node, char *content) {
        const Pci *pci = node->owner;

        return sprintf(content, "0x%04x\n", pci->ids->vendor);
}

static int device_show(Node *node, char *content) {
        const Pci *pci = node->owner;

        return sprintf(content, "0x%04x\n", pci->ids->device);
}

static int class_show(Node *node, char *content) {
        const Pci *pci = node->owner;

        return sprintf(content, "0x%06x\n", pci->ids->class);
}

static int uevent_show(Node *node, char *content) {
        const Pci *pci = node->owner;
        int n = 0;

        if (pci->driver)
                n = snprintf(content, NODE_CONTENT_MAX, "DRIVER=%s\n", pci->driver);
        return n + sprintf(content + n, "PCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SLOT_NAME=%s\n", pci->ids->class,
                           pci->ids->vendor, pci->ids->device, pci->name);
}

static void on_uevent_read(void *userdata) {
        request_show(userdata);
}

static void on_uevent_locked(void *userdata) {
        Request *request = userdata;
        Pci *pci = request->owner;

        driver_run(&pci->faults, OPERATION_UEVENT, on_uevent_read, request);
        pci_unlock(pci);
}

static void uevent_read(Node *node, Request *request) {
        Pci *pci = node->owner;

        request->owner = pci;
        pci_lock(pci, on_uevent_locked, request);
}

/* What `udevadm trigger` writes. */
static void uevent_write(Node *node, Request *request) {
        const Pci *pci = node->owner;
        Changes *changes = changes_new(pci->host->notifier);

        request->data[strcspn(request->data, " \n")] = '\0';
        pci_uevent(pci, changes, request->data);
        changes_commit(changes, NULL, NULL);
        request_finish(request, 0);
}

static const NodeOps vendor_ops = {.mode = S_IFREG | 0444, .show = vendor_show};
static const NodeOps device_ops = {.mode = S_IFREG | 0444, .show = device_show};
static const NodeOps class_ops = {.mode = S_IFREG | 0444, .show = class_show};
static const NodeOps uevent_ops = {
        .mode = S_IFREG | 0644,
        .show = uevent_show,
        .read = uevent_read,
        .write = uevent_write,
};

/* Messages have the driver and the address, as the kernel's do. */
void pci_uevent(const Pci *pci, Changes *changes, const char *action) {
        char slot[PCI_NAME_SIZE + 16], driver[64] = "";
        const char *properties[] = {slot, pci->driver ? driver : NULL, NULL};

        snprintf(slot, sizeof(slot), "PCI_SLOT_NAME=%s", pci->name);
        if (pci->driver)
                snprintf(driver, sizeof(driver), "DRIVER=%s", pci->driver);
        changes_uevent(changes, action, "pci", pci->node, properties);
}

void pci_add(Pci *pci, Changes *changes) {
        Host *host = pci->host;
        Node *root = tree_root(host->tree), *directory;
        char path[PCI_NAME_SIZE + 8];

        snprintf(path, sizeof(path), "pci%.7s", pci->name);
        directory = changes_make_path(changes, host->devices, path);
        pci->node = changes_add(changes, directory, pci->name, &node_directory_ops, pci);
        changes_add(changes, pci->node, "uevent", &uevent_ops, pci);
        changes_add(changes, pci->node, "vendor", &vendor_ops, pci);
        changes_add(changes, pci->node, "device", &device_ops, pci);
        changes_add(changes, pci->node, "class", &class_ops, pci);
        changes_add(changes, pci->node, "power", &power_directory_ops, host);
        changes_add_link(changes, pci->node, "subsystem", changes_make_path(changes, root, "bus/pci"));
        changes_add_link(changes, changes_make_path(changes, root, "bus/pci/devices"), pci->name, pci->node);
        pci->group = group_new(host, changes, pci->node);
        pci_uevent(pci, changes, "add");
}

void pci_remove(Pci *pci, Changes *changes) {
        Node *devices = changes_make_path(changes, tree_root(pci->host->tree), "bus/pci/devices");

        pci_uevent(pci, changes, "remove");
        changes_find_and_remove(changes, devices, pci->name);
        pci->group = group_free(pci->group, changes);
        changes_remove(changes, &pci->node);
}

static Node *pci_driver_directory(const Pci *pci, Changes *changes) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "bus/pci/drivers/%s", pci->driver);
        return changes_make_path(changes, tree_root(pci->host->tree), path);
}

/* Makes the links only. The string must live as long as the device. */
void pci_bind(Pci *pci, Changes *changes, const char *driver) {
        Node *directory;

        pci->driver = driver;
        directory = pci_driver_directory(pci, changes);
        changes_add_link(changes, pci->node, "driver", directory);
        changes_add_link(changes, directory, pci->name, pci->node);
}

void pci_unbind(Pci *pci, Changes *changes) {
        changes_find_and_remove(changes, pci_driver_directory(pci, changes), pci->name);
        changes_find_and_remove(changes, pci->node, "driver");
        pci->driver = NULL;
}
