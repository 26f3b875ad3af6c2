/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Autostart: what moves each definition from state to state. Nothing is created, and no time passes. */

#include "daemon/autostart/autostart.h"

#include <errno.h>

#include "common/json-text.h"
#include "daemon/autostart/tried.h"
#include "daemon/bus/export.h"
#include "daemon/definitions/store.h"
#include "daemon/registry/device.h"
#include "daemon/registry/mdev.h"
#include "daemon/registry/registry.h"
#include "daemon/workers/pool.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/test.h"

static const struct backend *const backends[] = { &mdev_backend, NULL };

#define N 8

static sd_event *event;
static sd_bus *bus;
static struct exports *exports;
static struct pool *pool;
static struct registry *registry;
static struct autostart *autostart;

/* Definitions as the store would have them: UUIDs that end in their number, of type "mtty-1" on parent "mtty". */
static struct store store;
static struct store_directory directory = { .store = &store, .parent = (char *) "mtty" };
static struct stored_definition definitions[N];
static char uuids[N][UUID_TEXT_SIZE];

static char started[64];        /* the last digit of each UUID that was started, in this order */
static int start_result;
static bool requests;

static int on_start(struct autostart *a, const char *parent, const char *uuid, void *userdata) {
        assert_ptr_equal(a, autostart);
        assert_string_equal(parent, "mtty");
        if (start_result >= 0)
                strcat(started, uuid + strlen(uuid) - 1);
        return start_result;
}

static bool has_requests(const char *parent, void *userdata) {
        return requests;
}

static const struct autostart_hooks hooks = { .start = on_start, .has_requests = has_requests };

static void on_parent_here(struct parent *parent, void *userdata) {
        autostart_parent_here(autostart, parent);
}

static void on_parent_gone(const struct parent *parent, void *userdata) {
        autostart_parent_gone(autostart, parent->name);
}

static const struct registry_observer observer = { .parent_here = on_parent_here, .parent_gone = on_parent_gone };

static int set_up(void **state) {
        fake_host_new();
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(sd_bus_new(&bus), 0);
        assert_int_equal(exports_new(&exports, event, bus), 0);
        assert_int_equal(pool_new(&pool, event, worker_spawn, "/nonexistent"), 0);
        assert_int_equal(registry_new(&registry, backends, event, exports, pool, &observer, NULL), 0);
        assert_int_equal(autostart_new(&autostart, event, registry, &hooks, NULL), 0);
        store.exports = exports;
        for (int i = 0; i < N; i++) {
                snprintf(uuids[i], sizeof(uuids[i]), "00000000-0000-0000-0000-%012d", i);
                definitions[i] = (struct stored_definition) {
                        .directory = &directory,
                        .uuid = uuids[i],
                        .type = (char *) "mtty-1",
                        .valid = true,
                        .start = START_AUTO,
                };
        }
        *started = '\0';
        start_result = 0;
        requests = false;
        return 0;
}

static int tear_down(void **state) {
        autostart_free(autostart);
        for (size_t i = 0; i < ELEMENTSOF(definitions); i++)
                failure_clear(&definitions[i].error);
        pool_free(pool);
        registry_free(registry);
        exports_free(exports);
        sd_bus_unref(bus);
        sd_event_unref(event);
        fake_host_free();
        return 0;
}

static void turn(void) {
        while (sd_event_run(event, 0) > 0)
                ;
}

/* The first @n definitions are read. */
static void define(int n) {
        for (int i = 0; i < n; i++)
                autostart_definition_read(autostart, &definitions[i]);
        turn();
}

/* The parent registers, with one type. No worker comes to read it. */
static void parent_comes(const char *type) {
        struct parent *parent;

        fake_parent_add("mtty", type);
        parent = parent_refresh(registry, "mtty");
        assert_true(parent && pool_withdraw(pool, &parent->read_work));
        turn();
}

static void parent_goes(void) {
        fake_parent_remove("mtty");
        assert_null(parent_refresh(registry, "mtty"));
        turn();
}

/* The types are read: "mtty-1" has so many instances left. */
static void types_are_read(int available) {
        struct parent *parent = parent_find(registry, "mtty");
        _cleanup_json_ json_object *object = NULL;
        char text[64];

        snprintf(text, sizeof(text), "{\"mtty-1\": {\"available_instances\": %d}}", available);
        object = json_tokener_parse(text);
        mdev_types_clear(&parent->types);
        assert_int_equal(mdev_types_parse(object, &parent->types), 0);
        autostart_types_read(autostart, parent);
        turn();
}

static void end(int i, bool is_done, const struct failure *failure) {
        autostart_ended(autostart, "mtty", uuids[i],
                        &(struct autostart_end) { .is_done = is_done, .type = "mtty-1", .failure = failure });
        turn();
}

static void end_well(int i) {
        end(i, true, &(struct failure) {});
}

static void end_badly(int i, enum failure_code code) {
        end(i, false, &(struct failure) { .code = code, .message = (char *) "No luck" });
}

static void assert_started(const char *expected) {
        assert_string_equal(started, expected);
}

static void assert_state(int i, enum start_state state) {
        assert_string_equal(start_state_to_string(autostart_state(autostart, &definitions[i])),
                            start_state_to_string(state));
}

static void test_one_after_its_parent(void **state) {
        define(1);
        assert_state(0, START_STATE_WAITING_PARENT);
        assert_started("");
        parent_comes("mtty-1");
        assert_started("0");
        assert_state(0, START_STATE_STARTING);

        end_well(0);
        /* No device is active: somebody has stopped it since. */
        assert_state(0, START_STATE_NONE);
        definitions[0].device = &(struct device) { .state = DEVICE_ACTIVE };
        assert_state(0, START_STATE_ACTIVE);
        definitions[0].device = NULL;
        types_are_read(24);
        assert_started("0");
}

static void test_some_at_once(void **state) {
        define(N);
        parent_comes("mtty-1");
        assert_started("0123");
        end_well(2);
        assert_started("01234");
        autostart_set_parallel(autostart, 2);
        end_well(0);
        end_well(1);
        assert_started("01234");
        end_well(3);
        assert_started("012345");
}

static void test_once_for_a_registration(void **state) {
        define(1);
        parent_comes("mtty-1");
        end_well(0);

        /* Another daemon finds the same registration. */
        autostart_free(autostart);
        assert_int_equal(autostart_new(&autostart, event, registry, &hooks, NULL), 0);
        define(1);
        autostart_parent_here(autostart, parent_find(registry, "mtty"));
        turn();
        assert_started("0");
        assert_state(0, START_STATE_NONE);

        parent_goes();
        assert_state(0, START_STATE_WAITING_PARENT);
        parent_comes("mtty-1");
        assert_started("00");
}

static void test_auto_since_the_parent_is_here(void **state) {
        parent_comes("mtty-1");
        define(1);
        assert_started("");
        assert_state(0, START_STATE_NONE);
        parent_goes();
        parent_comes("mtty-1");
        assert_started("0");
}

static void test_manual(void **state) {
        definitions[0].start = START_MANUAL;
        define(2);
        parent_comes("mtty-1");
        assert_started("1");
        assert_state(0, START_STATE_NONE);

        end_badly(1, FAILURE_IO_ERROR);
        assert_state(1, START_STATE_FAILED);
        assert_string_equal(definitions[1].error.message, "No luck");
        definitions[1].start = START_MANUAL;
        define(2);
        assert_state(1, START_STATE_NONE);
        assert_int_equal(definitions[1].error.code, FAILURE_NONE);
}

static void test_type_comes_later(void **state) {
        define(1);
        parent_comes("mtty-2");
        assert_started("");
        assert_state(0, START_STATE_WAITING_TYPE);
        types_are_read(24);
        assert_state(0, START_STATE_WAITING_TYPE);

        fake_type_add("mtty", "mtty-1");
        types_are_read(24);
        assert_started("0");
}

static void test_instance_comes_later(void **state) {
        define(6);
        parent_comes("mtty-1");
        types_are_read(0);
        assert_started("0123");
        end_badly(0, FAILURE_NO_AVAILABLE_INSTANCES);
        /* The driver has said it of the type: the others need not ask. */
        assert_started("0123");
        assert_state(4, START_STATE_WAITING_INSTANCE);
        assert_state(5, START_STATE_WAITING_INSTANCE);
        end_well(1);
        end_well(2);
        end_well(3);

        /* As many as there are, unless people want them. */
        requests = true;
        types_are_read(2);
        assert_started("0123");
        requests = false;
        types_are_read(2);
        assert_started("012304");
        assert_state(5, START_STATE_WAITING_INSTANCE);
}

static void test_somebody_is_faster(void **state) {
        struct device device = { .uuid = "00000000-0000-0000-0000-000000000000", .parent = (char *) "mtty" };

        define(1);
        parent_comes("mtty-2");
        device.state = DEVICE_STARTING;
        definitions[0].device = &device;
        autostart_device_changed(autostart, &device);
        assert_state(0, START_STATE_WAITING_TYPE);
        device.state = DEVICE_ACTIVE;
        autostart_device_changed(autostart, &device);
        assert_state(0, START_STATE_ACTIVE);
        assert_true(tried_has("mtty", uuids[0]));

        /* Whoever stops it has meant it. */
        definitions[0].device = NULL;
        fake_type_add("mtty", "mtty-1");
        types_are_read(24);
        assert_started("");
        assert_state(0, START_STATE_NONE);
}

static void set_valid(int i, bool valid) {
        definitions[i].valid = valid;
        definitions[i].type = valid ? (char *) "mtty-1" : NULL;
        autostart_definition_read(autostart, &definitions[i]);
        turn();
}

static void test_invalid_for_a_while(void **state) {
        define(1);
        set_valid(0, false);
        assert_state(0, START_STATE_NONE);
        parent_comes("mtty-1");
        types_are_read(24);
        assert_started("");
        set_valid(0, true);
        assert_started("0");

        /* While it is started, its file becomes invalid and its parent registers again. */
        parent_goes();
        parent_comes("mtty-1");
        set_valid(0, false);
        end_badly(0, FAILURE_NO_SUCH_PARENT);
        types_are_read(24);
        assert_started("0");
        set_valid(0, true);
        assert_started("00");
}

static void test_registered_again(void **state) {
        define(1);
        parent_comes("mtty-1");
        parent_goes();
        assert_state(0, START_STATE_STARTING);
        parent_comes("mtty-1");
        assert_started("0");
        /* What was made has gone with the first one. */
        end_well(0);
        assert_started("00");
        parent_goes();
        end_badly(0, FAILURE_NO_SUCH_PARENT);
        assert_state(0, START_STATE_WAITING_PARENT);
}

static void test_gone_while_it_is_started(void **state) {
        define(6);
        parent_comes("mtty-1");
        autostart_definition_gone(autostart, &definitions[1]);
        autostart_definition_gone(autostart, &definitions[4]);
        turn();
        assert_started("0123");
        end_well(1);
        assert_started("01235");

        /* Without definitions, the rest is still counted. */
        for (int i = 0; i < 6; i++)
                if (i != 1 && i != 4)
                        autostart_definition_gone(autostart, &definitions[i]);
        end_well(0);
        end_badly(2, FAILURE_IO_ERROR);
        end_well(3);
        end_well(5);
}

static void test_ends(void **state) {
        define(4);
        parent_comes("mtty-1");
        end_badly(0, FAILURE_JOB_CANCELED);
        assert_state(0, START_STATE_NONE);
        assert_true(tried_has("mtty", uuids[0]));
        end_badly(1, FAILURE_SHUTTING_DOWN);
        assert_state(1, START_STATE_WAITING_PARENT);
        assert_false(tried_has("mtty", uuids[1]));
        end_badly(2, FAILURE_NO_SUCH_TYPE);
        assert_state(2, START_STATE_WAITING_TYPE);
        end_badly(3, FAILURE_ALREADY_EXISTS);
        assert_state(3, START_STATE_FAILED);
}

static void test_out_of_memory(void **state) {
        define(2);
        start_result = -ENOMEM;
        parent_comes("mtty-1");
        assert_started("");
        assert_state(0, START_STATE_WAITING_PARENT);
        start_result = 0;
        types_are_read(24);
        /* Behind those that were not tried yet. */
        assert_started("10");
}

static void test_interrupted(void **state) {
        define(1);
        parent_comes("mtty-1");
        end_well(0);
        autostart_interrupted("mtty", uuids[0], autostart);
        turn();
        assert_started("00");
        autostart_interrupted("mtty", uuids[1], autostart);
        autostart_interrupted("mbochs", uuids[0], autostart);
}

static void test_stop(void **state) {
        define(6);
        parent_comes("mtty-1");
        autostart_stop(autostart);
        end_well(0);
        assert_started("0123");
}

static void test_adopt(void **state) {
        unsigned int n = 0;

        autostart_stop(autostart);
        define(2);
        parent_comes("mtty-1");
        assert_int_equal(autostart_adopt(autostart, &n), 0);
        assert_int_equal(n, 2);

        autostart_free(autostart);
        assert_int_equal(autostart_new(&autostart, event, registry, &hooks, NULL), 0);
        define(3);
        autostart_parent_here(autostart, parent_find(registry, "mtty"));
        turn();
        assert_started("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_one_after_its_parent),
                TEST(test_some_at_once),
                TEST(test_once_for_a_registration),
                TEST(test_auto_since_the_parent_is_here),
                TEST(test_manual),
                TEST(test_type_comes_later),
                TEST(test_instance_comes_later),
                TEST(test_somebody_is_faster),
                TEST(test_invalid_for_a_while),
                TEST(test_registered_again),
                TEST(test_gone_while_it_is_started),
                TEST(test_ends),
                TEST(test_out_of_memory),
                TEST(test_interrupted),
                TEST(test_stop),
                TEST(test_adopt),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
