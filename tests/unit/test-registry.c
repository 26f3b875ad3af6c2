/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The registry: what the kernel shows is what it says. */

#include <sys/resource.h>

#include "common/io.h"
#include "common/json-text.h"
#include "daemon/bus/export.h"
#include "daemon/registry/device.h"
#include "daemon/registry/mdev.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"
#include "daemon/workers/pool.h"
#include "daemon/workers/worker.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/test.h"

static const struct backend *const backends[] = { &mdev_backend, NULL };

#define UUID_A "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define UUID_B "00000000-0000-0000-0000-000000000100"

static sd_event *event;
static sd_bus *bus;
static struct exports *exports;
static struct pool *pool;
static struct registry *registry;

/* What the observer was told, in order. */
static char told[1024];

static void note(const char *format, ...) _printf_(1, 2);
static void note(const char *format, ...) {
        size_t n = strlen(told);
        va_list args;

        va_start(args, format);
        vsnprintf(told + n, sizeof(told) - n, format, args);
        va_end(args);
}

static void on_parent_here(struct parent *parent, void *userdata) {
        assert_ptr_equal(parent_find(registry, parent->name), parent);
        note("%s is here\n", parent->name);
}

static void on_parent_gone(const struct parent *parent, void *userdata) {
        note("%s is %s\n", parent->name, parent_find(registry, parent->name) ? "another one" : "gone");
}

static void on_device_changed(struct device *device, void *userdata) {
        assert_ptr_equal(device_find(registry, device->uuid), device);
        note("%s of %s is %s\n", device->uuid, device->parent, device_state_to_string(device->state));
}

static void on_device_gone(const struct device *device, void *userdata) {
        assert_null(device_find(registry, device->uuid));
        note("%s of %s is gone\n", device->uuid, device->parent);
}

static const struct registry_observer observer = {
        .parent_here = on_parent_here,
        .parent_gone = on_parent_gone,
        .device_changed = on_device_changed,
        .device_gone = on_device_gone,
};

static int set_up(void **state) {
        fake_host_new();
        fake_parent_add("mtty", "mtty-1");
        assert_int_equal(sd_event_new(&event), 0);
        /* Never connected: announcements end in -ENOTCONN. */
        assert_int_equal(sd_bus_new(&bus), 0);
        assert_int_equal(exports_new(&exports, event, bus), 0);
        assert_int_equal(pool_new(&pool, event, worker_spawn, "/nonexistent"), 0);
        assert_int_equal(registry_new(&registry, backends, event, exports, pool, &observer, NULL), 0);
        *told = '\0';
        return 0;
}

static int tear_down(void **state) {
        pool_free(pool);
        registry_free(registry);
        exports_free(exports);
        sd_bus_unref(bus);
        sd_event_unref(event);
        fake_host_free();
        return 0;
}

static enum device_state state_of(const char *uuid) {
        struct device *device = device_refresh(registry, uuid);

        assert_non_null(device);
        return device->state;
}

static void test_states(void **state) {
        assert_null(device_refresh(registry, UUID_A));

        fake_device_set("mtty", UUID_A, true, NULL);
        assert_int_equal(state_of(UUID_A), DEVICE_STARTING);
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        assert_int_equal(state_of(UUID_A), DEVICE_ACTIVE);
        assert_string_equal(device_find(registry, UUID_A)->type, "mtty-1");
        assert_string_equal(device_find(registry, UUID_A)->parent, "mtty");

        fake_device_set("mtty", UUID_A, false, NULL);
        assert_int_equal(state_of(UUID_A), DEVICE_STOPPING);
        /* The link goes first, but what the type was is still known. */
        assert_string_equal(device_find(registry, UUID_A)->type, "mtty-1");

        fake_device_remove("mtty", UUID_A);
        assert_null(device_refresh(registry, UUID_A));
        assert_null(device_find(registry, UUID_A));
}

/* A directory without `dev` is that of a device without a node. */
static void test_vfio_name(void **state) {
        static const char *const uuids[] = { UUID_A, UUID_B };
        static const char *const nodes[] = { "vfio3/dev", "vfio4" }, *const expected[] = { "vfio3", "" };
        char path[PATH_MAX];

        for (size_t i = 0; i < ELEMENTSOF(uuids); i++) {
                fake_device_set("mtty", uuids[i], true, NULL);
                assert_int_equal(state_of(uuids[i]), DEVICE_STARTING);
                assert_string_equal(device_vfio_name(device_find(registry, uuids[i])), "");
                snprintf(path, sizeof(path), "%s/vfio-dev/%s", device_find(registry, uuids[i])->path + 1, nodes[i]);
                fake_directory_add(path);
                fake_device_set("mtty", uuids[i], true, "mtty-1");
                assert_int_equal(state_of(uuids[i]), DEVICE_ACTIVE);
                assert_string_equal(device_vfio_name(device_find(registry, uuids[i])), expected[i]);
        }
}

/* A name that could not be read for want of a file descriptor is read at the next time. */
static void test_vfio_name_without_fds(void **state) {
        struct rlimit limit;
        char path[PATH_MAX];
        rlim_t soft;

        fake_device_set("mtty", UUID_A, true, "mtty-1");
        assert_int_equal(state_of(UUID_A), DEVICE_ACTIVE);
        snprintf(path, sizeof(path), "%s/vfio-dev/vfio3/dev", device_find(registry, UUID_A)->path + 1);
        fake_directory_add(path);

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        soft = limit.rlim_cur;
        limit.rlim_cur = 0;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_string_equal(device_vfio_name(device_find(registry, UUID_A)), "");
        limit.rlim_cur = soft;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_string_equal(device_vfio_name(device_find(registry, UUID_A)), "vfio3");
}

/* A device in use: the kernel has taken its link away, its directory stays until its user lets go. */
static void test_stopping_without_link(void **state) {
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        assert_int_equal(state_of(UUID_A), DEVICE_ACTIVE);
        fake_device_set("mtty", UUID_A, false, NULL);
        fake_device_unlink(UUID_A);
        assert_int_equal(state_of(UUID_A), DEVICE_STOPPING);

        /* A daemon that starts now must find it too. */
        device_forget(device_find(registry, UUID_A));
        assert_null(device_refresh(registry, UUID_A));
        assert_int_equal(registry_enumerate(registry), 0);
        registry_settle(registry);
        assert_non_null(device_find(registry, UUID_A));
        assert_int_equal(device_find(registry, UUID_A)->state, DEVICE_STOPPING);
        assert_string_equal(device_find(registry, UUID_A)->parent, "mtty");
}

static void test_wedged_only_after_a_while(void **state) {
        fake_device_set("mtty", UUID_A, false, "mtty-1");
        assert_int_equal(state_of(UUID_A), DEVICE_STOPPING);
        device_find(registry, UUID_A)->limbo_since -= DEVICE_WEDGED_USEC;
        assert_int_equal(state_of(UUID_A), DEVICE_WEDGED);
        assert_false(device_is_in_transition(device_find(registry, UUID_A)));
}

static void test_grace_after_a_strangers_create(void **state) {
        uint64_t grace;

        registry_settle(registry);
        fake_device_set("mtty", UUID_A, true, NULL);
        assert_int_equal(state_of(UUID_A), DEVICE_STARTING);
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        assert_int_equal(state_of(UUID_A), DEVICE_ACTIVE);
        grace = device_grace_usec(device_find(registry, UUID_A));
        assert_true(grace > 0 && grace <= mdev_backend.grace_usec);

        /* Seen complete at first sight, which may be the moment it became so. */
        fake_device_set("mtty", UUID_B, true, "mtty-1");
        assert_int_equal(state_of(UUID_B), DEVICE_ACTIVE);
        assert_true(device_grace_usec(device_find(registry, UUID_B)) > 0);
}

static void test_no_grace_for_what_was_there_before(void **state) {
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        assert_int_equal(state_of(UUID_A), DEVICE_ACTIVE);
        assert_int_equal(device_grace_usec(device_find(registry, UUID_A)), 0);
}

/* A late event about the first device must not be taken for one about the second. */
static void test_same_uuid_other_device(void **state) {
        struct device *device;
        ino_t inode;

        fake_parent_add("mbochs", "mbochs-small");
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        inode = device_refresh(registry, UUID_A)->inode;
        fake_device_remove("mtty", UUID_A);
        fake_device_set("mbochs", UUID_A, true, "mbochs-small");

        device = device_refresh(registry, UUID_A);
        assert_true(device->inode != inode);
        assert_string_equal(device->parent, "mbochs");
        assert_string_equal(device->type, "mbochs-small");
}

static void test_enumerate(void **state) {
        char uuid[UUID_TEXT_SIZE];

        for (int i = 0; i < 500; i++) {
                snprintf(uuid, sizeof(uuid), "00000000-0000-0000-0000-%012d", i);
                fake_device_set("mtty", uuid, true, "mtty-1");
        }
        fake_device_set("mtty", UUID_A, true, NULL);
        fake_device_set("mtty", "not-a-uuid", true, "mtty-1");

        assert_int_equal(registry_enumerate(registry), 0);
        registry_settle(registry);
        assert_int_equal(HASH_COUNT(registry->devices), 501);
        assert_int_equal(HASH_COUNT(registry->parents), 1);

        /* What went unnoticed is found to be gone by looking everywhere again. */
        for (int i = 0; i < 250; i++) {
                snprintf(uuid, sizeof(uuid), "00000000-0000-0000-0000-%012d", i);
                fake_device_remove("mtty", uuid);
        }
        assert_int_equal(registry_enumerate(registry), 0);
        registry_settle(registry);
        assert_int_equal(HASH_COUNT(registry->devices), 251);
}

static void test_parents(void **state) {
        struct parent *parent = parent_refresh(registry, "mtty");
        ino_t inode;

        assert_non_null(parent);
        assert_true(parent_has_type(parent, "mtty-1"));
        assert_false(parent_has_type(parent, "mtty-2"));
        assert_false(parent_has_type(parent, "."));
        assert_false(parent_has_type(parent, ".."));
        assert_false(parent_has_type(parent, ""));
        assert_false(parent_has_type(parent, "mtty-1/devices"));
        inode = parent->types_inode;

        assert_null(parent_refresh(registry, ".."));
        assert_null(parent_refresh(registry, ""));
        assert_null(parent_refresh(registry, "../../class/mdev_bus/mtty"));

        /* Registered again while nobody looked. */
        fake_parent_remove("mtty");
        fake_parent_add("mtty", "mtty-2");
        parent = parent_refresh(registry, "mtty");
        assert_true(parent->types_inode != inode);

        fake_parent_remove("mtty");
        assert_null(parent_refresh(registry, "mtty"));
        assert_null(parent_find(registry, "mtty"));
}

static struct mdev_types parse_types(const char *text) {
        _cleanup_json_ json_object *object = json_tokener_parse(text);
        struct mdev_types types;

        assert_int_equal(mdev_types_parse(object, &types), 0);
        return types;
}

static void test_types(void **state) {
        struct mdev_types none = parse_types("{}"), other;
        struct mdev_types types = parse_types("{\"mtty-1\": {\"name\": \"one\", \"available_instances\": 24},"
                                              "\"mtty-2\": {\"device_api\": \"vfio-pci\"}}");
        const struct mdev_type *type = mdev_types_find(&types, "mtty-1");

        assert_string_equal(type->name, "one");
        assert_string_equal(type->description, "");
        assert_int_equal(type->available, 24);
        type = mdev_types_find(&types, "mtty-2");
        assert_string_equal(type->device_api, "vfio-pci");
        assert_int_equal(type->available, AVAILABLE_INSTANCES_UNKNOWN);
        assert_null(mdev_types_find(&types, "mtty"));
        assert_null(mdev_types_find(&none, "mtty-1"));

        /* The driver lists them in any order. */
        other = parse_types("{\"mtty-2\": {\"device_api\": \"vfio-pci\", \"other\": 1},"
                            "\"mtty-1\": {\"name\": \"one\", \"available_instances\": 24}}");
        assert_true(mdev_types_equal(&types, &other) && !mdev_types_equal(&types, &none));
        other.items[0].available = 0;
        assert_false(mdev_types_equal(&types, &other));
        mdev_types_clear(&types);
        mdev_types_clear(&other);
        mdev_types_clear(&none);
}

static void test_observer(void **state) {
        assert_non_null(parent_refresh(registry, "mtty"));
        assert_non_null(parent_refresh(registry, "mtty"));
        fake_device_set("mtty", UUID_A, true, NULL);
        (void) device_refresh(registry, UUID_A);
        (void) device_refresh(registry, UUID_A);
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        (void) device_refresh(registry, UUID_A);
        fake_device_remove("mtty", UUID_A);
        (void) device_refresh(registry, UUID_A);
        assert_string_equal(told, "mtty is here\n" UUID_A " of mtty is starting\n" UUID_A " of mtty is active\n"
                                  UUID_A " of mtty is gone\n");

        /* Others have taken their places while nobody looked. */
        *told = '\0';
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        (void) device_refresh(registry, UUID_A);
        fake_device_remove("mtty", UUID_A);
        fake_parent_remove("mtty");
        fake_parent_add("mtty", "mtty-1");
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        assert_non_null(parent_refresh(registry, "mtty"));
        (void) device_refresh(registry, UUID_A);
        assert_string_equal(told, UUID_A " of mtty is active\n" "mtty is gone\nmtty is here\n"
                                  UUID_A " of mtty is gone\n" UUID_A " of mtty is active\n");

        /* Nobody is told when the daemon ends. */
        *told = '\0';
        pool = pool_free(pool);
        registry = registry_free(registry);
        assert_string_equal(told, "");
}

static void test_transitions_are_watched(void **state) {
        uint64_t end = now_usec() + 10 * USEC_PER_SEC;

        fake_device_set("mtty", UUID_A, true, NULL);
        assert_int_equal(state_of(UUID_A), DEVICE_STARTING);
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        while (device_find(registry, UUID_A)->state != DEVICE_ACTIVE && now_usec() < end)
                sd_event_run(event, 100 * USEC_PER_MSEC);
        assert_int_equal(device_find(registry, UUID_A)->state, DEVICE_ACTIVE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_states),
                TEST(test_vfio_name),
                TEST(test_vfio_name_without_fds),
                TEST(test_stopping_without_link),
                TEST(test_wedged_only_after_a_while),
                TEST(test_grace_after_a_strangers_create),
                TEST(test_no_grace_for_what_was_there_before),
                TEST(test_same_uuid_other_device),
                TEST(test_enumerate),
                TEST(test_parents),
                TEST(test_types),
                TEST(test_observer),
                TEST(test_transitions_are_watched),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
