/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever comes from udev: a message is a hint, so the registry says what the tree of sysfs says, before and after.
 * The real monitor listens to a real netlink socket in a network namespace of this process. The input are properties,
 * each ended by a NUL, or, where the first byte says so, all of the message. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "daemon/api/manager.h"
#include "daemon/jobs/settle.h"
#include "daemon/registry/device.h"
#include "daemon/registry/monitor.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"
#include "daemon/workers/pool.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/fake-manager.h"

#define UUID_ALWAYS "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define UUID_SOMETIMES "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"

/* The first byte. */
#define RAW_MESSAGE 1u
#define DEVICE_CHANGES 2u

/* libudev's, which systemd has kept: src/libsystemd/sd-device/device-monitor.c. */
#define UDEV_GROUP 2
struct header {
        char prefix[8];
        uint32_t magic;
        uint32_t header_size;
        uint32_t properties_offset;
        uint32_t properties_size;
        uint32_t hashes[4];
};

static struct manager *manager;
static int netlink;

/* libsystemd does not listen where no udev is. */
static void make_udev(void) {
        MUST(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0);
        MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        MUST(mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0);
        MUST(mkdir("/run/udev", 0755) == 0);
        close(open("/run/udev/control", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
        MUST(netlink >= 0);
}

/* A worker never comes: types are read by none. */
static void stay_reading(const char *name) {
        struct parent *parent = parent_find(manager->registry, name);

        MUST(parent && parent->reading && pool_withdraw(manager->pool, &parent->read_work));
}

/* libsystemd 252 adds 32 to this offset before it compares it with the size, and so reads at any place that is as far
 * behind the message as the offset is below 2^32. It does so even if the message ends inside the header. Only root can
 * send it that, and it is not ours to find. */
static bool leads_libsystemd_astray(struct input input) {
        struct header header = {};

        memcpy(&header, input.data, MIN(input.size, sizeof(header)));
        return memcmp(header.prefix, "libudev", sizeof(header.prefix)) == 0 &&
               header.properties_offset > UINT32_MAX - 32;
}

static void send_message(struct input input, bool raw) {
        struct header header = {
                .prefix = "libudev",
                .magic = htonl(0xfeedcafe),
                .header_size = sizeof(header),
                .properties_offset = sizeof(header),
                .properties_size = (uint32_t) input.size,
        };
        struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = UDEV_GROUP };
        struct iovec iov[] = {
                { .iov_base = &header, .iov_len = raw ? 0 : sizeof(header) },
                { .iov_base = (void *) input.data, .iov_len = input.size },
        };
        struct msghdr msg = {
                .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = iov, .msg_iovlen = ELEMENTSOF(iov)
        };

        if (raw && (input.size == 0 || leads_libsystemd_astray(input)))
                return;
        /* Too long, or faster than it is read: no message then. */
        MUST(sendmsg(netlink, &msg, 0) >= 0 || errno == EMSGSIZE || errno == ENOBUFS);
}

static void take_in(void) {
        int r;

        do
                r = sd_event_run(manager->event, 0);
        while (r > 0);
        MUST(r == 0);
        registry_settle(manager->registry);
}

static void check_registry(bool sometimes_is_there, bool sometimes_is_known) {
        struct device *device = device_find(manager->registry, UUID_ALWAYS);
        struct device *other = device_find(manager->registry, UUID_SOMETIMES);

        MUST(HASH_COUNT(manager->registry->parents) == 1 && parent_find(manager->registry, "mtty"));
        MUST(device && device->state == DEVICE_ACTIVE && streq(device->parent, "mtty") && streq(device->type,
                                                                                                "mtty-1"));
        MUST(HASH_COUNT(manager->registry->devices) == (other ? 2 : 1));
        MUST(!sometimes_is_known || !other == !sometimes_is_there);
}

/* What nobody hears would prove nothing. */
static void check_that_it_listens(void) {
        static const char text[] = "ACTION=add\0DEVPATH=/devices/virtual/mtty/" UUID_SOMETIMES
                                     "\0SUBSYSTEM=mdev\0SEQNUM=1";

        fake_device_set("mtty", UUID_SOMETIMES, true, NULL);
        send_message((struct input) { text, sizeof(text) }, false);
        take_in();
        check_registry(true, true);
        fake_device_remove("mtty", UUID_SOMETIMES);
        send_message((struct input) { text, sizeof(text) }, false);
        take_in();
        check_registry(false, true);
}

static void on_event(sd_device *event, void *userdata) {
        settle_on_uevent(manager->jobs, event);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        make_udev();
        fake_host_new();
        MUST(atexit(fake_host_free) == 0);
        fake_parent_add("mtty", "mtty-1");
        fake_device_set("mtty", UUID_ALWAYS, true, "mtty-1");

        manager = fake_manager_new();
        MUST(monitor_new(&manager->monitor, manager->event, manager->registry, on_event, NULL) == 0);
        MUST(registry_enumerate(manager->registry) == 0);
        registry_settle(manager->registry);
        stay_reading("mtty");
        check_that_it_listens();
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = { (const char *) data, size };
        uint8_t flags = input_take_byte(&input);
        struct settle *settle;

        MUST(settle_new(&settle, manager->jobs, UUID_ALWAYS) == 0);
        if (flags & DEVICE_CHANGES)
                fake_device_set("mtty", UUID_SOMETIMES, true, NULL);
        send_message(input, flags & RAW_MESSAGE);
        take_in();
        check_registry(flags & DEVICE_CHANGES, false);

        MUST(registry_enumerate(manager->registry) == 0);
        take_in();
        check_registry(flags & DEVICE_CHANGES, true);

        if (flags & DEVICE_CHANGES)
                fake_device_remove("mtty", UUID_SOMETIMES);
        send_message(input, flags & RAW_MESSAGE);
        take_in();
        check_registry(false, false);
        (void) device_refresh(manager->registry, UUID_SOMETIMES);
        check_registry(false, true);
        settle_free(settle);
        return 0;
}
