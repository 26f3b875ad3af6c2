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

static void set_mode(const char *name, mode_t mode) {
        char path[512];

        path_of(name, path);
        assert_int_equal(chmod(path, mode), 0);
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
        assert_int_equal(check_cards(&findings), 0);
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

/* Root alone may change the first one, if root runs this test. */
static void test_callouts(void **state) {
        _cleanup_findings_ struct findings findings = {};
        bool is_root = geteuid() == 0;

        file("usr/lib/mdevctl/scripts.d/callouts/00-good", "#!/bin/sh\n");
        file("usr/lib/mdevctl/scripts.d/callouts/.hidden", "");
        file("etc/mdevctl.d/scripts.d/callouts/10-not-executable", "");
        file("etc/mdevctl.d/scripts.d/notifiers/20-writable", "");
        file("etc/mdevctl.d/scripts.d/notifiers/folder/file", "");
        set_mode("usr/lib/mdevctl/scripts.d/callouts/00-good", 0755);
        set_mode("etc/mdevctl.d/scripts.d/notifiers/20-writable", 0777);

        assert_int_equal(check_callouts(&findings), 0);
        assert_int_equal(findings.n, is_root ? 2 : 3);
        assert_string_equal(findings.items[findings.n - 2].subject,
                            "/etc/mdevctl.d/scripts.d/callouts/10-not-executable");
        assert_non_null(strstr(findings.items[findings.n - 2].message, "it is not executable"));
        assert_string_equal(findings.items[findings.n - 1].subject,
                            "/etc/mdevctl.d/scripts.d/notifiers/20-writable");
        assert_non_null(strstr(findings.items[findings.n - 1].message, "others than root can change it"));
}

/* Who may write the folder can put another program in the place of a good one. */
static void test_callouts_in_a_writable_folder(void **state) {
        _cleanup_findings_ struct findings findings = {};

        file("etc/mdevctl.d/scripts.d/callouts/10-good", "");
        set_mode("etc/mdevctl.d/scripts.d/callouts/10-good", 0755);
        set_mode("etc/mdevctl.d/scripts.d/callouts", 0775);
        assert_int_equal(check_callouts(&findings), 0);
        assert_int_equal(findings.n, 1);
        assert_string_equal(findings.items[0].id, "callout-not-run");
        assert_non_null(strstr(findings.items[0].message, "others than root can change it"));
}

#define NVIDIA "../../../bus/pci/drivers/nvidia"

/* A virtual function of a card, with the path of its driver or without one. */
static void make_function(const char *card, unsigned int n, const char *driver) {
        char path[256], name[64];

        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/virtfn%u", card, n);
        snprintf(name, sizeof(name), "../%.11s%u", card, n + 4);
        link_to(path, name);
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/physfn", name + 3);
        link_to(path, "..");
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver", name + 3);
        if (driver)
                link_to(path, driver);
}

/* sriov_numvfs is a FIFO, which would hang a reader, as the kernel does while a write to it hangs. */
static void make_gpu(const char *name, const char *driver, const char *total, unsigned int enabled) {
        char path[256];

        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/vendor", name);
        file(path, "0x10de\n");
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/class", name);
        file(path, "0x030200\n");
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/sriov_totalvfs", name);
        file(path, total);
        snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/sriov_numvfs", tree, name);
        assert_int_equal(mkfifo(path, 0644), 0);
        for (unsigned int i = 0; i < enabled; i++)
                make_function(name, i, NVIDIA);
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver", name);
        if (driver)
                link_to(path, driver);
}

static void test_virtual_functions(void **state) {
        _cleanup_findings_ struct findings findings = {};

        make_gpu("0000:41:00.0", NVIDIA, "16\n", 0);
        make_gpu("0000:42:00.0", NVIDIA, "16\n", 2);
        /* A T4 advertises SR-IOV and is a parent itself; this one is given to a guest as a whole. */
        make_gpu("0000:43:00.0", NVIDIA, "16\n", 0);
        file("sys/bus/pci/devices/0000:43:00.0/mdev_supported_types/nvidia-222/create", "");
        make_gpu("0000:44:00.0", "../../../bus/pci/drivers/vfio-pci", "16\n", 0);
        assert_int_equal(check_cards(&findings), 0);
        assert_int_equal(findings.n, 1);
        assert_string_equal(findings.items[0].id, "no-virtual-functions");
        assert_string_equal(findings.items[0].subject, "0000:41:00.0");
        assert_non_null(strstr(findings.items[0].advice, "/etc/mediated.d"));
}

#define SET "[Match]\nCard=0000:41:*\n[VirtualFunctions]\nCount=2\n"

static void test_wanted_functions(void **state) {
        _cleanup_findings_ struct findings off = {}, running = {}, failed = {}, on = {};

        make_gpu("0000:41:00.0", NVIDIA, "16\n", 0);
        file("etc/mediated.d/a.conf", SET);
        assert_int_equal(check_cards(&off), 0);
        assert_int_equal(off.n, 1);
        assert_string_equal(off.items[0].id, "no-virtual-functions");
        assert_string_equal(off.items[0].message, "It has no virtual functions, although /etc/mediated.d/a.conf asks "
                                                  "for them");
        assert_non_null(strstr(off.items[0].advice, "systemctl restart mediated-prepare@0000:41:00.0.service"));

        file("run/mediated/prepare/0000:41:00.0", "{\"state\":\"running\",\"attempt\":2,\"attempts\":5,"
                                                  "\"message\":\"Waits\",\"set\":\"a\"}");
        assert_int_equal(check_cards(&running), 0);
        assert_int_equal(running.n, 1);
        assert_int_equal(running.items[0].severity, SEVERITY_WARNING);
        assert_string_equal(running.items[0].message,
                            "Its virtual functions are being prepared (attempt 2 of at most 5): Waits");

        file("run/mediated/prepare/0000:41:00.0", "{\"state\":\"failed\",\"attempt\":5,\"attempts\":5,"
                                                  "\"message\":\"It hangs\",\"set\":\"a\"}");
        assert_int_equal(check_cards(&failed), 0);
        assert_int_equal(failed.n, 1);
        assert_string_equal(failed.items[0].id, "prepare-failed");
        assert_string_equal(failed.items[0].message, "It hangs");

        /* What is not a file of mediated-prepare says nothing. */
        file("run/mediated/prepare/0000:41:00.0", "{\"state\":\"over\"}");
        make_function("0000:41:00.0", 0, NVIDIA);
        assert_int_equal(check_cards(&on), 0);
        assert_int_equal(on.n, 0);
}

static void test_sets(void **state) {
        _cleanup_findings_ struct findings findings = {};

        file("etc/mediated.d/a.conf", "[Match]\nCard=*\n[VirtualFunctions]\nCount=many\n");
        file("etc/mediated.d/b.conf", "[Match]\nCrad=*\n");
        assert_int_equal(check_cards(&findings), 0);
        assert_int_equal(findings.n, 2);
        assert_string_equal(find(&findings, "invalid-set")->message,
                            "/etc/mediated.d/a.conf:4: Count=many is neither 'all' nor a number from 1 to 65535");
        assert_non_null(strstr(find(&findings, "ignored-setting")->message, "b.conf:2: This version does not know "
                                                                            "Crad="));
}

static void test_drivers(void **state) {
        _cleanup_findings_ struct findings findings = {}, unbound = {};

        make_gpu("0000:41:00.0", NVIDIA, "16\n", 1);
        make_function("0000:41:00.0", 1, NULL);
        make_function("0000:41:00.0", 2, NULL);
        make_gpu("0000:42:00.0", "x/nouveau", "16\n", 0);
        make_gpu("0000:43:00.0", NULL, "16\n", 0);
        assert_int_equal(check_cards(&findings), 0);
        assert_int_equal(findings.n, 3);
        assert_string_equal(find(&findings, "function-without-driver")->message,
                            "2 of its 3 virtual functions have no driver; the first is 0000:41:00.5");
        assert_int_equal(find(&findings, "function-without-driver")->severity, SEVERITY_WARNING);
        assert_string_equal(find(&findings, "nouveau")->subject, "0000:42:00.0");
        assert_string_equal(find(&findings, "no-driver")->subject, "0000:43:00.0");

        /* Somebody wants them without, but nouveau does not do what a file asks for. */
        file("sys/bus/pci/devices/0000:41:00.0/sriov_drivers_autoprobe", "0\n");
        file("usr/lib/mediated.d/a.conf", "[Match]\nDriver=nouveau\n[VirtualFunctions]\nCount=all\n");
        assert_int_equal(check_cards(&unbound), 0);
        assert_null(find(&unbound, "function-without-driver"));
        assert_int_equal(find(&unbound, "nouveau")->severity, SEVERITY_PROBLEM);
}

static void test_vendor_vfio(void **state) {
        _cleanup_findings_ struct findings findings = {}, with_functions = {};

        make_gpu("0000:41:00.4", NVIDIA, "0\n", 0);
        file("sys/module/mdev/refcnt", "0\n");
        file("sys/module/nvidia_vgpu_vfio/refcnt", "0\n");
        assert_int_equal(check_host(&findings, "6.1.0"), 0);
        assert_null(find(&findings, "vendor-vfio"));
        assert_non_null(find(&findings, "no-parent"));
        assert_int_equal(check_host(&findings, "6.8.0-31-generic"), 0);
        assert_non_null(strstr(find(&findings, "vendor-vfio")->advice, "sriov-manage -e"));

        /* Its virtual functions are parents. */
        file("sys/bus/pci/devices/0000:41:00.4/nvidia/current_vgpu_type", "0\n");
        assert_int_equal(check_host(&with_functions, "6.8.0-31-generic"), 0);
        assert_null(find(&with_functions, "vendor-vfio"));
        assert_null(find(&with_functions, "no-parent"));
        assert_int_equal(check_cards(&with_functions), 0);
        assert_null(find(&with_functions, "no-driver"));
}

static void test_missing_parent(void **state) {
        _cleanup_findings_ struct findings findings = {};

        make_gpu("0000:41:00.0", NVIDIA, "16\n", 0);
        make_gpu("0000:42:00.0", NULL, "0\n", 0);
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
                cmocka_unit_test_setup(test_callouts, setup),
                cmocka_unit_test_setup(test_callouts_in_a_writable_folder, setup),
                cmocka_unit_test_setup(test_virtual_functions, setup),
                cmocka_unit_test_setup(test_wanted_functions, setup),
                cmocka_unit_test_setup(test_sets, setup),
                cmocka_unit_test_setup(test_drivers, setup),
                cmocka_unit_test_setup(test_vendor_vfio, setup),
                cmocka_unit_test_setup(test_missing_parent, setup),
        };

        return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
