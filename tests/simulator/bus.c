/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where in /sys a parent is, and what its bus and its driver show of it. */

#include <errno.h>

#include "tests/simulator/bus.h"
#include "tests/simulator/card-spec.h"

static const Bus bus_virtual = {.device_api = "vfio-pci"};
static const Bus bus_pci = {.name = "pci", .stays = true, .device_api = "vfio-pci"};

/* A subchannel of IBM Z (kernel: drivers/s390/cio/vfio_ccw_*.c). */
static const Bus bus_css = {
        .name = "css",
        .directory = "css0",
        .stays = true,
        .mdev_driver = "vfio_ccw_mdev",
        .device_api = "vfio-ccw",
        .type_name = "I/O subchannel (Non-QDIO)",
};

/* The one parent of all crypto devices of IBM Z, which vfio_ap makes when it is loaded (kernel: drivers/s390/crypto/
 * vfio_ap_drv.c). */
const Bus bus_matrix = {
        .name = "matrix",
        .directory = "vfio_ap",
        .mdev_driver = "vfio_ap_mdev",
        .device_api = "vfio-ap",
        .type_name = "VFIO AP Passthrough Device",
};

static bool is_subchannel_name(const char *name) {
        unsigned system, set, number;
        int n = 0;

        return sscanf(name, "%1x.%1x.%4x%n", &system, &set, &number, &n) == 3 && name[n] == '\0' && n == 8;
}

/* Drivers of IBM Z serve nothing else: a subchannel has one device, and there is one matrix. */
int bus_find(const Spec *spec, const Bus **ret) {
        const Bus *bus = is_pci_name(spec->name) ? &bus_pci : &bus_virtual;

        if (streq(spec->driver, "vfio_ap"))
                bus = streq(spec->name, "matrix") ? &bus_matrix : NULL;
        else if (streq(spec->driver, "vfio_ccw"))
                bus = is_subchannel_name(spec->name) && spec->types[0].count == 1 ? &bus_css : NULL;

        if (!bus || (spec->card && (bus != &bus_pci || !is_pci_name(spec->card))))
                return -EINVAL;

        *ret = bus;
        return 0;
}

/* The directory in which the parent's own directory is. */
Node *bus_make_directory(const Bus *bus, Changes *changes, Host *host, const char *name, const char *driver) {
        char path[PATH_MAX];

        if (bus->directory)
                return changes_make_path(changes, host->devices, bus->directory);

        if (bus == &bus_pci)
                snprintf(path, sizeof(path), "pci%.7s", name);
        else
                snprintf(path, sizeof(path), "virtual/%s", driver);
        return changes_make_path(changes, host->devices, path);
}

Node *bus_make_subsystem(const Bus *bus, Changes *changes, Host *host, const char *driver) {
        char path[PATH_MAX];

        if (!bus->name)
                return changes_make_path(changes, host->class, driver);

        snprintf(path, sizeof(path), "bus/%s", bus->name);
        return changes_make_path(changes, tree_root(host->tree), path);
}

/* Without a driver there is no line about it. */
int bus_show_uevent(const Bus *bus, const char *name, const char *driver, char *content) {
        int n = 0;

        if (bus->name && driver)
                n += snprintf(content, NODE_CONTENT_MAX, "DRIVER=%s\n", driver);
        if (bus == &bus_pci)
                n += snprintf(content + n, NODE_CONTENT_MAX - (size_t) n, "PCI_SLOT_NAME=%s\n", name);
        else if (bus == &bus_css)
                n += sprintf(content + n, "MODALIAS=css:t0\n");
        return n;
}

static int text_show(Node *node, char *content) {
        return sprintf(content, "%s\n", (const char *) node->owner);
}

static const NodeOps text_ops = {.mode = S_IFREG | 0444, .show = text_show};

static void add_text(Changes *changes, Node *device, const char *name, const char *text) {
        changes_add(changes, device, name, &text_ops, (void *) text);
}

void bus_add_files(const Bus *bus, Changes *changes, Node *device) {
        if (bus == &bus_pci) {
                add_text(changes, device, "class", "0x030000");
                add_text(changes, device, "vendor", "0x1234");
                add_text(changes, device, "device", "0x1234");
        } else if (bus == &bus_css) {
                add_text(changes, device, "type", "0");
                add_text(changes, device, "modalias", "css:t0");
        }
}
