/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl check: PCI devices that could be parents and are not, and why. What counts are the files of a device: a
 * card that advertises SR-IOV may be a parent itself. */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "client/mediatectl/entries.h"
#include "client/mediatectl/findings.h"
#include "common/io.h"
#include "common/root.h"

#define PCI_DEVICES "sys/bus/pci/devices"

static bool has(int device_fd, const char *path) {
        return faccessat(device_fd, path, F_OK, 0) >= 0;
}

/* The number in an attribute, in any base; 0 if there is none. */
static unsigned long number(int device_fd, const char *attribute) {
        char text[32];

        return read_text_at(device_fd, attribute, text, sizeof(text)) > 0 ? strtoul(text, NULL, 0) : 0;
}

static int open_pci(const char *name) {
        char path[PATH_MAX];
        int fd;

        snprintf(path, sizeof(path), PCI_DEVICES "/%s", name);
        fd = openat(root_fd(), path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static bool is_nvidia_gpu(int device_fd) {
        return number(device_fd, "vendor") == 0x10de && number(device_fd, "class") >> 16 == 0x03;
}

static int add_without_functions(struct findings *findings, const char *name, bool nvidia) {
        _cleanup_free_ char *advice = NULL;

        if (nvidia)
                advice = finding_text(
                        "Enable them: /usr/lib/nvidia/sriov-manage -e %s; at each boot, in a unit ordered "
                        "Before=mediated.service",
                        name);
        else
                advice = finding_text("Enable them: cat /sys/bus/pci/devices/%s/sriov_totalvfs "
                                      ">/sys/bus/pci/devices/%s/sriov_numvfs; at each boot, in a unit ordered "
                                      "Before=mediated.service", name, name);
        return finding_add(findings, SEVERITY_PROBLEM, "no-virtual-functions", name,
                           "The parents are virtual functions of this device (SR-IOV), and none is enabled", advice);
}

static int check_gpu(struct findings *findings, const char *name, int device_fd) {
        char driver[NAME_MAX + 1];

        /* It is a parent already, or a virtual function. */
        if (has(device_fd, "mdev_supported_types") || has(device_fd, "physfn"))
                return 0;
        if (readlink_name_at(device_fd, "driver", driver, sizeof(driver)) < 0)
                return finding_add(findings, SEVERITY_WARNING, "no-driver", name, "This NVIDIA GPU has no driver",
                                   "If it is to have vGPUs, install NVIDIA's vGPU host driver");
        if (!streq(driver, "nvidia"))
                return 0;
        if (number(device_fd, "sriov_totalvfs") > 0 && number(device_fd, "sriov_numvfs") == 0)
                return add_without_functions(findings, name, true);
        return 0;
}

/* The virtual functions that have the vendor's own interface. */
struct vendor_functions {
        size_t n;
        char first[NAME_MAX + 1];       /* the lowest address of one */
};

static int check_device(struct findings *findings, const char *name, struct vendor_functions *functions) {
        _cleanup_close_ int fd = -1;

        fd = open_pci(name);
        if (fd < 0)
                return 0;
        if (has(fd, "nvidia/current_vgpu_type")) {
                if (functions->n++ == 0 || strcmp(name, functions->first) < 0)
                        snprintf(functions->first, sizeof(functions->first), "%s", name);
                return 0;
        }
        return is_nvidia_gpu(fd) ? check_gpu(findings, name, fd) : 0;
}

/* A card has dozens of them. All are one finding. */
static int add_vendor_functions(struct findings *findings, const struct vendor_functions *functions) {
        _cleanup_free_ char *message = NULL;

        if (functions->n == 0)
                return 0;
        message = finding_text(
                "%zu virtual function%s NVIDIA's own interface (nvidia/current_vgpu_type, kernels 6.8 and "
                "later) in place of mediated devices",
                functions->n, functions->n == 1 ? " has" : "s have");
        return finding_add(
                findings, SEVERITY_WARNING, "vendor-vfio", functions->first, message,
                "Write the number of the vGPU type to that file, and give the virtual function to the virtual "
                "machine; mediated has no part in it yet");
}

int check_pci(struct findings *findings) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct vendor_functions functions = {};
        struct dirent *entry;
        int r;

        r = open_directory_at(root_fd(), PCI_DEVICES, &dir);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        while (r >= 0 && (entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        r = check_device(findings, entry->d_name, &functions);
        return r >= 0 ? add_vendor_functions(findings, &functions) : r;
}

/* "0000:41:00.4" */
static bool is_pci_address(const char *name) {
        static const char form[] = "xxxx:xx:xx.d";

        for (size_t i = 0; i < sizeof(form); i++)
                if (form[i] == 'x' ? !isxdigit((unsigned char) name[i])
                    : form[i] == 'd' ? !isdigit((unsigned char) name[i])
                                     : form[i] != name[i])
                        return false;
        return true;
}

/* Finds the device whose virtual function @parent may be. Virtual functions come after their device, some on the next
 * buses, so it is the nearest one before @parent that could have some and has none. */
static bool find_physical(const char *parent, char ret[static NAME_MAX + 1]) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;

        if (open_directory_at(root_fd(), PCI_DEVICES, &dir) < 0)
                return false;

        ret[0] = '\0';
        while ((entry = readdir(dir))) {
                _cleanup_close_ int device_fd = -1;

                /* In the same domain, before @parent, and not before the best one so far. */
                if (!is_pci_address(entry->d_name) || strncmp(entry->d_name, parent, 5) != 0 ||
                    strcmp(entry->d_name, parent) >= 0 || strcmp(entry->d_name, ret) < 0)
                        continue;
                device_fd = open_pci(entry->d_name);
                if (device_fd >= 0 && number(device_fd, "sriov_totalvfs") > 0 &&
                    number(device_fd, "sriov_numvfs") == 0)
                        strcpy(ret, entry->d_name);
        }
        return *ret;
}

static int check_missing_pci(struct findings *findings, enum severity severity, const char *parent,
                             const char *message) {
        _cleanup_free_ char *advice = NULL;
        char driver[NAME_MAX + 1], physical[NAME_MAX + 1];
        _cleanup_close_ int fd = open_pci(parent);

        if (fd < 0 && find_physical(parent, physical))
                advice = finding_text("There is no such PCI device. If it is a virtual function of %s, which has none "
                                      "enabled, enable them at each boot, in a unit ordered Before=mediated.service",
                                      physical);
        else if (fd < 0)
                advice = finding_text("There is no such PCI device. If the hardware is gone or has moved, define the "
                                      "devices under its new address, and undefine these");
        else if (readlink_name_at(fd, "driver", driver, sizeof(driver)) < 0)
                advice = finding_text("The PCI device has no driver: install and load the one that makes it a parent");
        else
                advice = finding_text(
                        "The PCI device exists, but its driver %s has not made it a parent: see "
                        "journalctl -k and the driver's manual",
                        driver);
        return finding_add(findings, severity, "missing-parent", parent, message, advice);
}

int check_missing_parent(struct findings *findings, const char *parent, size_t n_definitions, size_t n_auto) {
        enum severity severity = n_auto > 0 ? SEVERITY_PROBLEM : SEVERITY_WARNING;
        _cleanup_free_ char *waits = NULL, *message = NULL;
        const char *are = n_definitions == 1 ? " is" : "s are";

        if (autostart_waits("waiting-parent", parent, "", &waits) < 0)
                return -ENOMEM;
        if (n_auto > 0)
                message = finding_text("%s; %zu definition%s for it", waits, n_definitions, are);
        else
                message = finding_text("%zu definition%s for this parent, which is not there", n_definitions, are);
        if (!message)
                return -ENOMEM;
        if (is_pci_address(parent))
                return check_missing_pci(findings, severity, parent, message);
        return finding_add(
                findings, severity, "missing-parent", parent, message,
                "Load the driver that makes it, or undefine them: see mediatectl list and mediatectl undefine");
}
