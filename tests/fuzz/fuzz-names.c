/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever is given for a UUID, a parent, a type, an attribute or its value: what is accepted stays below the directory
 * that it is opened in, has one form only, and is text that D-Bus carries. */

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>

#include "common/attribute.h"
#include "common/bus-names.h"
#include "common/io.h"
#include "common/name.h"
#include "common/root.h"
#include "common/utf8.h"
#include "common/uuid.h"
#include "tests/fuzz/fuzz.h"

static sd_bus *bus;

static void check_uuid(const char *text) {
        char uuid[UUID_TEXT_SIZE], again[UUID_TEXT_SIZE];

        if (uuid_normalize(text, uuid) < 0) {
                MUST(!uuid_is_normal(text));
                return;
        }
        MUST(strlen(text) == UUID_TEXT_SIZE - 1 && strcasecmp(text, uuid) == 0);
        MUST(uuid_is_normal(uuid) && uuid_normalize(uuid, again) == 0 && streq(uuid, again));
        MUST(uuid_is_normal(text) == streq(text, uuid));
}

/* libsystemd decides: it refuses to append what is not. */
static void check_utf8(const char *text) {
        sd_bus_message *message = NULL;
        int r;

        MUST(sd_bus_message_new_signal(bus, &message, "/", "a.b", "C") >= 0);
        r = sd_bus_message_append_basic(message, 's', text);
        MUST((r >= 0) == utf8_is_valid(text, strlen(text)));
        sd_bus_message_unref(message);
}

static void check_is_one_component(const char *name) {
        MUST(*name && !strchr(name, '/') && !streq(name, ".") && !streq(name, "..") && strlen(name) <= 255);
        MUST(utf8_is_valid(name, strlen(name)));
        for (const char *p = name; *p; p++)
                MUST((unsigned char) *p >= ' ' && *p != 0x7f);
}

static void check_parent_and_type(const char *name) {
        _cleanup_free_ char *path = NULL, *decoded = NULL;
        const char *reason = NULL;

        if (type_name_check(name, &reason) == 0)
                check_is_one_component(name);
        else
                MUST(reason && *reason);
        if (parent_name_check(name, &reason) < 0)
                return;
        MUST(type_name_check(name, &reason) == 0 && name[0] != '.' && !streq(name, "scripts.d"));

        /* It names an object, and the object names it. */
        MUST(sd_bus_path_encode(BUS_PARENT_PATH, name, &path) >= 0);
        MUST(sd_bus_path_decode(path, BUS_PARENT_PATH, &decoded) > 0 && streq(decoded, name));
}

/* The tree: device/ is the device's, everything else is not, and device/a/out is a link that leads out. */
static void check_stays_below(const char *name) {
        _cleanup_close_ int device_fd = -1, fd = -1;
        char link[64], target[PATH_MAX], device[PATH_MAX];
        ssize_t n;

        device_fd = openat(root_fd(), "device", O_PATH | O_DIRECTORY | O_CLOEXEC);
        MUST(device_fd >= 0);
        fd = open_beneath(device_fd, name, O_RDONLY | O_NONBLOCK);
        if (fd < 0)
                return;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", device_fd);
        n = readlink(link, device, sizeof(device) - 2);
        MUST(n > 0);
        strcpy(device + n, "/");
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, target, sizeof(target) - 1);
        MUST(n > 0);
        target[n] = '\0';
        MUST(strncmp(target, device, strlen(device)) == 0);
        MUST(streq(target + strlen(device), name));
}

static void check_attribute(const char *name) {
        _cleanup_free_ char *copy = strdup(name);
        const char *reason = NULL;
        char *rest = copy;

        if (attribute_name_check(name, &reason) < 0) {
                MUST(reason && *reason);
                return;
        }
        MUST(strlen(name) <= ATTRIBUTE_NAME_SIZE_MAX);
        for (char *component = strsep(&rest, "/"); component; component = strsep(&rest, "/"))
                check_is_one_component(component);
        MUST(!streq(copy, "remove") && !streq(copy, "uevent") && !streq(copy, "driver") && !streq(copy, "power") &&
             !streq(copy, "mdev_type") && !streq(copy, "iommu_group"));
        check_stays_below(name);
}

static void check_value(const char *value) {
        const char *reason = NULL;
        size_t size = strlen(value);

        MUST((attribute_value_check(value, &reason) == 0) ==
             (size <= ATTRIBUTE_VALUE_SIZE_MAX && utf8_is_valid(value, size)));
}

static void make_bus(void) {
        int fds[2];

        /* Nobody is at the other end: a bus must have one to make messages. */
        MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
        MUST(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, fds[0], fds[0]) >= 0 && sd_bus_start(bus) >= 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        make_bus();
        fuzz_root();
        MUST(mkdirat(root_fd(), "device", 0755) == 0 && mkdirat(root_fd(), "device/a", 0755) == 0);
        MUST(symlinkat("../..", root_fd(), "device/a/out") == 0);
        fuzz_put("device/b", "", 0);
        fuzz_put("device/a/c", "", 0);
        fuzz_put("secret", "", 0);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = { (const char *) data, size };
        _cleanup_free_ char *text = input_take_string(&input, '\0');

        check_uuid(text);
        check_utf8(text);
        check_parent_and_type(text);
        check_attribute(text);
        check_value(text);
        return 0;
}
