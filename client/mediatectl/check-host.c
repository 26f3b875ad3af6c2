/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl check: what the host's files show. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "client/mediatectl/findings.h"
#include "common/io.h"
#include "common/root.h"

#define MDEVCTL_RULE "60-mdevctl.rules"

static bool exists(const char *path) {
        return faccessat(root_fd(), path, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

static bool has_entries(const char *path) {
        return has_entries_at(root_fd(), path);
}

/* Drivers that make parents of some hardware. Hardware without its driver is a finding. */
static const struct {
        const char *hardware, *module, *name;
        const char *advice;
} drivers[] = {
        { "sys/bus/ap/devices", "sys/devices/vfio_ap", "vfio_ap", "Load it: modprobe vfio_ap; and list it in "
                                                                  "/etc/modules-load.d for the next boot" },
        { "sys/bus/css/devices", "sys/bus/css/drivers/vfio_ccw", "vfio_ccw",
          "Load it: modprobe vfio_ccw; and bind the subchannels to it, see driverctl(8) or /sys/bus/css" },
};

static int check_modules(struct findings *findings) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(drivers); i++) {
                _cleanup_free_ char *message = NULL;

                if (!has_entries(drivers[i].hardware) || exists(drivers[i].module))
                        continue;
                message = finding_text("The module %s is not loaded, so the devices it knows are no parents",
                                       drivers[i].name);
                r = finding_add(findings, SEVERITY_PROBLEM, "no-module", drivers[i].name, message, drivers[i].advice);
        }
        return r;
}

/* Without vfio no virtual machine can open a device. A vfio that is built into the kernel has no directory of a module;
 * its class is there as soon as there is a group. */
static int check_vfio(struct findings *findings) {
        if (exists("sys/module/vfio") || exists("sys/class/vfio") || exists("sys/class/misc/vfio") ||
            exists("sys/class/vfio-dev"))
                return 0;
        return finding_add(findings, SEVERITY_PROBLEM, "no-module", "vfio",
                           "The module vfio is not loaded, so no device could be used by a virtual machine",
                           "Load the driver of the parent, which needs it, or: modprobe vfio_iommu_type1");
}

static int check_parents(struct findings *findings) {
        if (has_entries("sys/class/mdev_bus") || check_has_vgpu_parents())
                return 0;
        if (exists("sys/class/mdev_bus") || exists("sys/module/mdev"))
                return finding_add(
                        findings, SEVERITY_PROBLEM, "no-parent", NULL,
                        "No parent: the module mdev is loaded, but no driver has registered a device that "
                        "supports mediated devices",
                        "See the kernel's log for the vendor's driver (journalctl -k), and its manual for what "
                        "it needs: a licence, a firmware setting, virtual functions, a service of the vendor");
        return finding_add(
                findings, SEVERITY_PROBLEM, "no-parent", NULL,
                "No parent: the module mdev is not loaded, so no driver on this host makes mediated devices",
                "Install and load the driver of the hardware: NVIDIA vGPU's host driver; kvmgt with "
                "i915.enable_gvt=1 for Intel's graphics before Ice Lake; vfio_ap or vfio_ccw on s390");
}

/* A mediated device as such needs no IOMMU. One whose parent hands a part of a PCI device to the guest does. */
static int check_iommu(struct findings *findings) {
        if (!has_entries("sys/bus/pci/devices") || has_entries("sys/class/iommu"))
                return 0;
        return finding_add(findings, SEVERITY_WARNING, "no-iommu", NULL,
                           "No IOMMU is in use; devices whose parent is a virtual function (SR-IOV) need one",
                           "Enable VT-d or AMD-Vi in the firmware; on Intel also boot with intel_iommu=on");
}

/* Of several rules files with one name, udev reads only that of the first directory. There an empty file, or a link to
 * /dev/null, masks the others. */
static bool mdevctl_rule_active(const char **ret_directory) {
        static const char *const directories[] = {
                "etc/udev/rules.d", "run/udev/rules.d", "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d",
                "lib/udev/rules.d",
        };

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                char path[128], text[4096];

                snprintf(path, sizeof(path), "%s/" MDEVCTL_RULE, directories[i]);
                if (!exists(path))
                        continue;
                *ret_directory = directories[i];
                return read_text_at(root_fd(), path, text, sizeof(text)) > 0 && strstr(text, "start-parent-mdevs");
        }
        return false;
}

static int check_mdevctl_rule(struct findings *findings) {
        _cleanup_free_ char *message = NULL;
        const char *directory;

        if (!mdevctl_rule_active(&directory))
                return 0;
        message = finding_text("mdevctl's udev rule is still active (/%s/" MDEVCTL_RULE
                               "): it starts definitions too, "
                               "and without knowing what was stopped by hand",
                               directory);
        return finding_add(findings, SEVERITY_WARNING, "mdevctl-rule", MDEVCTL_RULE, message,
                           "Mask the rule; the package mdevctl may stay: "
                           "ln -s /dev/null /etc/udev/rules.d/" MDEVCTL_RULE " && udevadm control --reload");
}

int check_host(struct findings *findings, const char *kernel_release) {
        unsigned major = 0, minor = 0;
        int r;

        r = check_parents(findings);
        if (r >= 0)
                r = check_modules(findings);
        if (r >= 0)
                r = check_vfio(findings);
        if (r >= 0)
                r = check_iommu(findings);
        if (r >= 0)
                r = check_mdevctl_rule(findings);
        if (r < 0 || sscanf(kernel_release, "%u.%u", &major, &minor) != 2)
                return r;

        /* Since Linux 6.8 NVIDIA's driver does not use mdev: https://docs.nvidia.com/vgpu, "vendor-specific VFIO
         * framework". */
        if ((major > 6 || (major == 6 && minor >= 8)) && exists("sys/module/nvidia_vgpu_vfio") &&
            !has_entries("sys/class/mdev_bus") && !check_has_vgpu_parents())
                return finding_add(
                        findings, SEVERITY_WARNING, "vendor-vfio", "nvidia",
                        "On kernels 6.8 and later NVIDIA's driver has no mediated devices; its parents are virtual "
                        "functions (SR-IOV) with a file nvidia/current_vgpu_type, and there is none",
                        "Enable the virtual functions of the card: /usr/lib/nvidia/sriov-manage -e CARD");
        return 0;
}
