/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What `mediatectl check` makes of a host's files. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "client/mediatectl/findings.h"
#include "common/root.h"
#include "tests/unit/test.h"

static char host[] = "/tmp/test-check-XXXXXX";
static char tree[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static void path_of(const char *name, char path[static 512]) {
        snprintf(path, 512, "%s/%s", tree, name);
        for (char *p = path + strlen(tree) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                assert_true(mkdir(path, 0755) >= 0 || errno == EEXIST);
                *p = '/';
        }
}

static void file(const char *name, const char *text) {
        char path[512];
        FILE *f;

        path_of(name, path);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void link_to(const char *name, const char *target) {
        char path[512];

        path_of(name, path);
        assert_int_equal(symlink(target, path), 0);
}

static int setup(void **state) {
        static int n;

        snprintf(tree, sizeof(tree), "%s/%d", host, n++);
        return mkdir(tree, 0755) < 0 ? -1 : root_set(tree);
}

static int setup_group(void **state) {
        return mkdtemp(host) ? 0 : -1;
}

static int teardown_group(void **state) {
        return nftw(host, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const struct finding *find(const struct findings *findings, const char *id) {
        for (size_t i = 0; i < findings->n; i++)
                if (streq(findings->items[i].id, id))
                        return &findings->items[i];
        return NULL;
}

/* A host on which all is well: a parent, VFIO, an IOMMU. */
static void make_good_host(void) {
        file("sys/class/mdev_bus/mtty/x", "");
        file("sys/class/vfio/0/x", "");
        file("sys/class/iommu/dmar0/x", "");
        file("sys/bus/pci/devices/0000:00:00.0/vendor", "0x8086\n");
}

static void test_good(void **state) {
        _cleanup_findings_ struct findings findings = {};

        make_good_host();
        assert_int_equal(check_host(&findings, "6.1.0-18-amd64"), 0);
        assert_int_equal(check_pci(&findings), 0);
        assert_int_equal(findings.n, 0);
}

static void test_nothing(void **state) {
        _cleanup_findings_ struct findings findings = {};

        assert_int_equal(check_host(&findings, "6.1.0"), 0);
        assert_non_null(find(&findings, "no-parent"));
        assert_non_null(strstr(find(&findings, "no-parent")->message, "mdev is not loaded"));
        assert_string_equal(find(&findings, "no-module")->subject, "vfio");
        /* Without PCI nobody needs an IOMMU. */
        assert_null(find(&findings, "no-iommu"));
}

static void test_no_parent_but_mdev(void **state) {
        _cleanup_findings_ struct findings findings = {};

        file("sys/module/mdev/refcnt", "0\n");
        file("sys/class/vfio/0/x", "");
        file("sys/bus/pci/devices/0000:00:00.0/vendor", "0x8086\n");
        assert_int_equal(check_host(&findings, "6.1.0"), 0);
        assert_non_null(strstr(find(&findings, "no-parent")->message, "mdev is loaded"));
        assert_null(find(&findings, "no-module"));
        assert_int_equal(find(&findings, "no-iommu")->severity, SEVERITY_WARNING);
}

static void test_s390_modules(void **state) {
        _cleanup_findings_ struct findings findings = {};

        make_good_host();
        file("sys/bus/ap/devices/card00/x", "");
        file("sys/bus/css/devices/0.0.0000/x", "");
        file("sys/bus/css/drivers/vfio_ccw/x", "");
        assert_int_equal(check_host(&findings, "6.1.0"), 0);
        assert_int_equal(findings.n, 1);
        assert_string_equal(findings.items[0].subject, "vfio_ap");
}

static void test_mdevctl_rule(void **state) {
        _cleanup_findings_ struct findings findings = {}, masked = {};

        make_good_host();
        file("usr/lib/udev/rules.d/60-mdevctl.rules", "RUN+=\"/usr/sbin/mdevctl start-parent-mdevs %k\"\n");
        assert_int_equal(check_host(&findings, "6.1.0"), 0);
        assert_string_equal(find(&findings, "mdevctl-rule")->subject, "60-mdevctl.rules");
        file("etc/udev/rules.d/60-mdevctl.rules", "");
        assert_int_equal(check_host(&masked, "6.1.0"), 0);
        assert_int_equal(masked.n, 0);
}

static void make_gpu(const char *name, const char *driver, const char *total, const char *enabled) {
        char path[256];

        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/vendor", name);
        file(path, "0x10de\n");
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/class", name);
        file(path, "0x030200\n");
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/sriov_totalvfs", name);
        file(path, total);
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/sriov_numvfs", name);
        file(path, enabled);
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver", name);
        if (driver)
                link_to(path, driver);
}

static void test_virtual_functions(void **state) {
        _cleanup_findings_ struct findings findings = {};

        make_gpu("0000:41:00.0", "../../../bus/pci/drivers/nvidia", "16\n", "0\n");
        make_gpu("0000:42:00.0", "../../../bus/pci/drivers/nvidia", "16\n", "16\n");
        /* A T4 advertises SR-IOV and is a parent itself; this one is given to a guest as a whole. */
        make_gpu("0000:43:00.0", "../../../bus/pci/drivers/nvidia", "16\n", "0\n");
        file("sys/bus/pci/devices/0000:43:00.0/mdev_supported_types/nvidia-222/create", "");
        make_gpu("0000:44:00.0", "../../../bus/pci/drivers/vfio-pci", "16\n", "0\n");
        assert_int_equal(check_pci(&findings), 0);
        assert_int_equal(findings.n, 1);
        assert_string_equal(findings.items[0].id, "no-virtual-functions");
        assert_string_equal(findings.items[0].subject, "0000:41:00.0");
        assert_non_null(strstr(findings.items[0].advice, "sriov-manage -e 0000:41:00.0"));
}

static void test_vendor_vfio(void **state) {
        _cleanup_findings_ struct findings findings = {}, host_findings = {};

        make_gpu("0000:41:00.4", "../../../bus/pci/drivers/nvidia", "0\n", "0\n");
        file("sys/bus/pci/devices/0000:41:00.4/nvidia/current_vgpu_type", "0\n");
        assert_int_equal(check_pci(&findings), 0);
        assert_int_equal(findings.n, 1);
        assert_string_equal(findings.items[0].id, "vendor-vfio");

        file("sys/module/nvidia_vgpu_vfio/refcnt", "0\n");
        assert_int_equal(check_host(&host_findings, "6.1.0"), 0);
        assert_null(find(&host_findings, "vendor-vfio"));
        assert_int_equal(check_host(&host_findings, "6.8.0-31-generic"), 0);
        assert_non_null(find(&host_findings, "vendor-vfio"));
}

static void test_missing_parent(void **state) {
        _cleanup_findings_ struct findings findings = {};

        make_gpu("0000:41:00.0", "../../../bus/pci/drivers/nvidia", "16\n", "0\n");
        make_gpu("0000:42:00.0", NULL, "0\n", "0\n");
        assert_int_equal(check_missing_parent(&findings, "0000:41:00.4", 2, 1), 0);
        assert_int_equal(check_missing_parent(&findings, "0000:42:00.0", 1, 0), 0);
        assert_int_equal(check_missing_parent(&findings, "0000:41:00.0", 1, 1), 0);
        assert_int_equal(check_missing_parent(&findings, "0001:41:00.4", 1, 1), 0);
        assert_int_equal(check_missing_parent(&findings, "mtty", 1, 1), 0);
        assert_int_equal(findings.n, 5);

        assert_string_equal(findings.items[0].message,
                            "Autostart on 0000:41:00.4 waits: the parent is not there; 2 definitions are for it");
        assert_string_equal(findings.items[1].message, "1 definition is for this parent, which is not there");
        assert_int_equal(findings.items[0].severity, SEVERITY_PROBLEM);
        assert_non_null(strstr(findings.items[0].advice, "virtual function of 0000:41:00.0"));
        assert_int_equal(findings.items[1].severity, SEVERITY_WARNING);
        assert_non_null(strstr(findings.items[1].advice, "has no driver"));
        assert_non_null(strstr(findings.items[2].advice, "its driver nvidia"));
        assert_non_null(strstr(findings.items[3].advice, "There is no such PCI device"));
        assert_non_null(strstr(findings.items[4].advice, "Load the driver"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_good, setup),
                cmocka_unit_test_setup(test_nothing, setup),
                cmocka_unit_test_setup(test_no_parent_but_mdev, setup),
                cmocka_unit_test_setup(test_s390_modules, setup),
                cmocka_unit_test_setup(test_mdevctl_rule, setup),
                cmocka_unit_test_setup(test_virtual_functions, setup),
                cmocka_unit_test_setup(test_vendor_vfio, setup),
                cmocka_unit_test_setup(test_missing_parent, setup),
        };

        return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
