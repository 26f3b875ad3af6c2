/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The registry: what the kernel shows is what it says. */

#include "common/io.h"
#include "daemon/manager.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/fake-manager.h"
#include "tests/unit/test.h"

#define UUID_A "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define UUID_B "00000000-0000-0000-0000-000000000100"

static struct manager *manager;

static int set_up(void **state) {
        fake_host_new();
        fake_parent_add("mtty", "mtty-1");
        manager = fake_manager_new();
        return 0;
}

static int tear_down(void **state) {
        fake_manager_free(manager);
        fake_host_free();
        return 0;
}

static enum device_state state_of(const char *uuid) {
        struct device *device = device_refresh(manager, uuid);

        assert_non_null(device);
        return device->state;
}

static void test_states(void **state) {
        assert_null(device_refresh(manager, UUID_A));

        fake_device_set("mtty", UUID_A, true, NULL);
        assert_int_equal(state_of(UUID_A), DEVICE_STARTING);
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        assert_int_equal(state_of(UUID_A), DEVICE_ACTIVE);
        assert_string_equal(device_find(manager, UUID_A)->type, "mtty-1");
        assert_string_equal(device_find(manager, UUID_A)->parent, "mtty");

        fake_device_set("mtty", UUID_A, false, NULL);
        assert_int_equal(state_of(UUID_A), DEVICE_STOPPING);
        /* The link goes first, but what the type was is still known. */
        assert_string_equal(device_find(manager, UUID_A)->type, "mtty-1");

        fake_device_remove("mtty", UUID_A);
        assert_null(device_refresh(manager, UUID_A));
        assert_null(device_find(manager, UUID_A));
}

/* A device in use: the kernel has taken its link away, its directory stays until its user lets go. */
static void test_stopping_without_link(void **state) {
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        assert_int_equal(state_of(UUID_A), DEVICE_ACTIVE);
        fake_device_set("mtty", UUID_A, false, NULL);
        fake_device_unlink(UUID_A);
        assert_int_equal(state_of(UUID_A), DEVICE_STOPPING);

        /* A daemon that starts now must find it too. */
        device_free(device_find(manager, UUID_A));
        assert_null(device_refresh(manager, UUID_A));
        assert_int_equal(registry_enumerate(manager->registry), 0);
        registry_settle(manager->registry);
        assert_non_null(device_find(manager, UUID_A));
        assert_int_equal(device_find(manager, UUID_A)->state, DEVICE_STOPPING);
        assert_string_equal(device_find(manager, UUID_A)->parent, "mtty");
}

static void test_wedged_only_after_a_while(void **state) {
        fake_device_set("mtty", UUID_A, false, "mtty-1");
        assert_int_equal(state_of(UUID_A), DEVICE_STOPPING);
        device_find(manager, UUID_A)->limbo_since -= DEVICE_WEDGED_USEC;
        assert_int_equal(state_of(UUID_A), DEVICE_WEDGED);
        assert_false(device_is_in_transition(device_find(manager, UUID_A)));
}

static void test_grace_after_a_strangers_create(void **state) {
        uint64_t grace;

        manager->enumerated = true;
        fake_device_set("mtty", UUID_A, true, NULL);
        assert_int_equal(state_of(UUID_A), DEVICE_STARTING);
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        assert_int_equal(state_of(UUID_A), DEVICE_ACTIVE);
        grace = device_grace_usec(device_find(manager, UUID_A));
        assert_true(grace > 0 && grace <= DEVICE_GRACE_USEC);

        /* Seen complete at first sight, which may be the moment it became so. */
        fake_device_set("mtty", UUID_B, true, "mtty-1");
        assert_int_equal(state_of(UUID_B), DEVICE_ACTIVE);
        assert_true(device_grace_usec(device_find(manager, UUID_B)) > 0);
}

static void test_no_grace_for_what_was_there_before(void **state) {
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        assert_int_equal(state_of(UUID_A), DEVICE_ACTIVE);
        assert_int_equal(device_grace_usec(device_find(manager, UUID_A)), 0);
}

/* A late event about the first device must not be taken for one about the second. */
static void test_same_uuid_other_device(void **state) {
        struct device *device;
        ino_t inode;

        fake_parent_add("mbochs", "mbochs-small");
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        inode = device_refresh(manager, UUID_A)->inode;
        fake_device_remove("mtty", UUID_A);
        fake_device_set("mbochs", UUID_A, true, "mbochs-small");

        device = device_refresh(manager, UUID_A);
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

        assert_int_equal(registry_enumerate(manager->registry), 0);
        registry_settle(manager->registry);
        assert_int_equal(HASH_COUNT(manager->devices), 501);
        assert_int_equal(HASH_COUNT(manager->parents), 1);

        /* What went unnoticed is found to be gone by looking everywhere again. */
        for (int i = 0; i < 250; i++) {
                snprintf(uuid, sizeof(uuid), "00000000-0000-0000-0000-%012d", i);
                fake_device_remove("mtty", uuid);
        }
        assert_int_equal(registry_enumerate(manager->registry), 0);
        registry_settle(manager->registry);
        assert_int_equal(HASH_COUNT(manager->devices), 251);
}

static void test_parents(void **state) {
        struct parent *parent = parent_refresh(manager, "mtty");
        ino_t inode;

        assert_non_null(parent);
        assert_true(parent_has_type(parent, "mtty-1"));
        assert_false(parent_has_type(parent, "mtty-2"));
        assert_false(parent_has_type(parent, "."));
        assert_false(parent_has_type(parent, ".."));
        assert_false(parent_has_type(parent, ""));
        assert_false(parent_has_type(parent, "mtty-1/devices"));
        inode = parent->types_inode;

        assert_null(parent_refresh(manager, ".."));
        assert_null(parent_refresh(manager, ""));
        assert_null(parent_refresh(manager, "../../class/mdev_bus/mtty"));

        /* Registered again while nobody looked. */
        fake_parent_remove("mtty");
        fake_parent_add("mtty", "mtty-2");
        parent = parent_refresh(manager, "mtty");
        assert_true(parent->types_inode != inode);

        fake_parent_remove("mtty");
        assert_null(parent_refresh(manager, "mtty"));
        assert_null(parent_find(manager, "mtty"));
}

static void test_transitions_are_watched(void **state) {
        uint64_t end = now_usec() + 10 * USEC_PER_SEC;

        fake_device_set("mtty", UUID_A, true, NULL);
        assert_int_equal(state_of(UUID_A), DEVICE_STARTING);
        fake_device_set("mtty", UUID_A, true, "mtty-1");
        while (device_find(manager, UUID_A)->state != DEVICE_ACTIVE && now_usec() < end)
                sd_event_run(manager->event, 100 * USEC_PER_MSEC);
        assert_int_equal(device_find(manager, UUID_A)->state, DEVICE_ACTIVE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_states),
                TEST(test_stopping_without_link),
                TEST(test_wedged_only_after_a_while),
                TEST(test_grace_after_a_strangers_create),
                TEST(test_no_grace_for_what_was_there_before),
                TEST(test_same_uuid_other_device),
                TEST(test_enumerate),
                TEST(test_parents),
                TEST(test_transitions_are_watched),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
