/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon with another kind of device than mediated devices. Nothing above the registry may notice the difference.
 * Calls come over a bus, as those of any client. */

#include "common/bus-names.h"
#include "common/failure.h"
#include "common/io.h"
#include "daemon/api/answer-size.h"
#include "daemon/api/manager.h"
#include "daemon/api/manager-bus.h"
#include "daemon/api/types-query.h"
#include "daemon/autostart/autostart-job.h"
#include "daemon/bus/export.h"
#include "daemon/definitions/catch-up.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/queue.h"
#include "daemon/jobs/waiting.h"
#include "daemon/manager.h"
#include "daemon/peers/authorization.h"
#include "daemon/peers/peer.h"
#include "daemon/peers/scheduler.h"
#include "daemon/registry/device.h"
#include "daemon/registry/registry.h"
#include "daemon/workers/pool.h"
#include "tests/unit/fake-backend.h"
#include "tests/unit/fake-bus.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/test.h"

static const struct backend *const backends[] = { &fake_backend, NULL };

#define CALLER ":1.1"
#define UUID_A "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define UUID_B "00000000-0000-0000-0000-000000000100"

static struct manager *manager;
static sd_bus *callers;

/* --- the daemon, without mediated devices, udev, processes and polkit */

static void on_parent_here(struct parent *parent, void *userdata) {
        waiting_wake(manager->jobs, parent->name);
        autostart_parent_here(manager->autostart, parent);
}

static void on_parent_gone(const struct parent *parent, void *userdata) {
        types_query_check(manager);
        autostart_parent_gone(manager->autostart, parent->name);
}

static void on_types_read(struct parent *parent, void *userdata) {
        types_query_check(manager);
        waiting_wake(manager->jobs, parent->name);
        autostart_types_read(manager->autostart, parent);
}

static void on_device_changed(struct device *device, void *userdata) {
        queue_kick(manager->jobs, device->uuid);
        store_device_changed(manager->store, device);
        autostart_device_changed(manager->autostart, device);
}

static void on_device_gone(const struct device *device, void *userdata) {
        queue_kick(manager->jobs, device->uuid);
        store_device_gone(manager->store, device);
}

static const struct registry_observer registry_observer = {
        .parent_here = on_parent_here,
        .parent_gone = on_parent_gone,
        .types_read = on_types_read,
        .device_changed = on_device_changed,
        .device_gone = on_device_gone,
};

static void on_definition_read(struct stored_definition *definition, void *userdata) {
        autostart_definition_read(manager->autostart, definition);
}

static void on_definition_gone(struct stored_definition *definition, void *userdata) {
        autostart_definition_gone(manager->autostart, definition);
}

static void on_store_looked(void *userdata) {
        catch_up_store_looked(manager->catch_up);
}

static const struct store_observer store_observer = {
        .read = on_definition_read,
        .gone = on_definition_gone,
        .looked = on_store_looked,
};

static void on_idle(void *userdata) {
}

static void look_at_all(void) {
        assert_int_equal(registry_enumerate(manager->registry), 0);
        registry_settle(manager->registry);
}

/* Until nothing is to be done. */
static void run(void) {
        while (sd_event_run(manager->event, 0) > 0 || sd_bus_process(callers, NULL) > 0)
                ;
}

static int set_up(void **state) {
        struct peer *root;

        fake_host_new();
        fake_directory_add("etc");
        fake_card_add("card0");
        fake_card_add("card1");

        manager = calloc(1, sizeof(*manager));
        assert_int_equal(sd_event_new(&manager->event), 0);
        assert_int_equal(sd_bus_new(&manager->bus), 0);
        fake_bus_connect(manager->bus, &callers);
        assert_int_equal(exports_new(&manager->exports, manager->event, manager->bus), 0);
        assert_int_equal(peers_new(&manager->peers), 0);
        assert_int_equal(scheduler_new(&manager->scheduler, manager->event, manager->bus, manager->peers,
                                       answer_size_check, manager), 0);
        assert_int_equal(authorizations_new(&manager->authorizations, manager->event, manager->bus,
                                            manager->scheduler), 0);
        assert_int_equal(pool_new(&manager->pool, manager->event, fake_worker_spawn, ""), 0);
        assert_int_equal(registry_new(&manager->registry, backends, manager->event, manager->exports,
                                      manager->pool, &registry_observer, NULL), 0);
        assert_int_equal(store_new(&manager->store, manager->event, manager->exports, manager->registry,
                                   &store_observer, NULL), 0);
        assert_int_equal(jobs_new(&manager->jobs, manager->event, manager->exports, manager->pool, manager->registry,
                                  manager->store, on_idle, NULL), 0);
        assert_int_equal(autostart_new(&manager->autostart, manager->event, manager->registry, &autostart_job_hooks,
                                       manager->jobs), 0);
        assert_int_equal(catch_up_new(&manager->catch_up, manager->event, manager->store), 0);
        assert_int_equal(manager_bus_attach(manager), 0);

        assert_int_equal(peer_get(manager->peers, CALLER, &root), 0);
        peer_identify(root, 0);
        store_scan(manager->store);
        look_at_all();
        run();
        return 0;
}

static int tear_down(void **state) {
        manager_free(manager);
        sd_bus_close_unref(callers);
        fake_backend_free();
        fake_host_free();
        return 0;
}

/* --- calls */

struct answer {
        bool is_there;
        enum failure_code failure;
};

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *error = sd_bus_message_get_error(message);
        struct answer *answer = userdata;

        answer->is_there = true;
        answer->failure = error ? failure_code_from_name(error->name) : FAILURE_NONE;
        return 0;
}

static void begin(struct answer *ret, const char *member, const char *types, ...) {
        sd_bus_message *message = fake_bus_new_call(callers, CALLER, BUS_ROOT, BUS_MANAGER, member);
        va_list arguments;

        *ret = (struct answer) {};
        va_start(arguments, types);
        assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
        va_end(arguments);
        assert_true(sd_bus_call_async(callers, NULL, message, on_answer, ret, 0) >= 0);
        sd_bus_message_unref(message);
}

static enum failure_code end(const struct answer *answer) {
        uint64_t give_up = now_usec() + 10 * USEC_PER_SEC;

        while (!answer->is_there) {
                run();
                assert_true(now_usec() < give_up);
                (void) sd_event_run(manager->event, answer->is_there ? 0 : 10 * USEC_PER_MSEC);
        }
        return answer->failure;
}

#define CALL(member, ...)                                                                                              \
        ({                                                                                                             \
                struct answer answer;                                                                                  \
                                                                                                                       \
                begin(&answer, member, __VA_ARGS__);                                                                   \
                end(&answer);                                                                                          \
        })

static enum failure_code create(const char *uuid, const char *parent) {
        return CALL("CreateDevice", "sssa(ss)a{sv}", uuid, parent, FAKE_TYPE, 0, 0);
}

static enum failure_code define(const char *uuid, const char *parent, const char *start) {
        return CALL("Define", "ssssa(ss)a{sv}", uuid, parent, FAKE_TYPE, start, 0, 0);
}

static enum failure_code stop(const char *uuid) {
        return CALL("StopDevice", "sa{sv}", uuid, 0);
}

static const struct device *device_of(const char *uuid) {
        return device_find(manager->registry, uuid);
}

/* --- tests */

static void test_create_and_stop(void **state) {
        assert_int_equal(create(UUID_A, "card0"), FAILURE_NONE);
        assert_non_null(device_of(UUID_A));
        assert_int_equal(device_of(UUID_A)->state, DEVICE_ACTIVE);
        assert_string_equal(device_of(UUID_A)->type, FAKE_TYPE);
        assert_string_equal(device_of(UUID_A)->path, "/sys/devices/fake/card0");
        assert_int_equal(CALL("GetDevice", "s", UUID_A), FAILURE_NONE);
        assert_int_equal(CALL("ListTypes", "s", ""), FAILURE_NONE);

        assert_int_equal(stop(UUID_A), FAILURE_NONE);
        assert_null(device_of(UUID_A));
        assert_int_equal(stop(UUID_A), FAILURE_NO_SUCH_DEVICE);
}

static void test_what_there_is_not(void **state) {
        assert_int_equal(create(UUID_A, "card9"), FAILURE_NO_SUCH_PARENT);
        assert_int_equal(CALL("CreateDevice", "sssa(ss)a{sv}", UUID_A, "card0", "fake-1", 0, 0),
                         FAILURE_NO_SUCH_TYPE);
        assert_int_equal(create(UUID_A, "card0"), FAILURE_NONE);
        assert_int_equal(create(UUID_A, "card1"), FAILURE_ALREADY_EXISTS);
        assert_int_equal(create(UUID_B, "card0"), FAILURE_NO_AVAILABLE_INSTANCES);
        assert_null(device_of(UUID_B));
        assert_int_equal(create(UUID_B, "card1"), FAILURE_NONE);
}

static void test_jobs_of_one_device_come_in_turn(void **state) {
        struct answer created, stopped, created_again;

        begin(&created, "CreateDevice", "sssa(ss)a{sv}", UUID_A, "card0", FAKE_TYPE, 0, 0);
        begin(&stopped, "StopDevice", "sa{sv}", UUID_A, 0);
        begin(&created_again, "CreateDevice", "sssa(ss)a{sv}", UUID_A, "card1", FAKE_TYPE, 0, 0);
        assert_int_equal(end(&created), FAILURE_NONE);
        assert_int_equal(end(&stopped), FAILURE_NONE);
        assert_int_equal(end(&created_again), FAILURE_NONE);
        assert_string_equal(device_of(UUID_A)->parent, "card1");
}

static void test_device_in_use(void **state) {
        struct answer waits;

        assert_int_equal(create(UUID_A, "card0"), FAILURE_NONE);
        fake_card_use("card0", true);
        assert_int_equal(stop(UUID_A), FAILURE_DEVICE_BUSY);
        begin(&waits, "StopDevice", "sa{sv}", UUID_A, 1, "wait", "b", true);
        run();
        assert_false(waits.is_there);
        fake_card_use("card0", false);
        assert_int_equal(end(&waits), FAILURE_NONE);
        assert_null(device_of(UUID_A));
}

static void test_attributes(void **state) {
        assert_int_equal(CALL("CreateDevice", "sssa(ss)a{sv}", UUID_A, "card0", FAKE_TYPE, 1, "size", "4", 0),
                         FAILURE_NONE);
        assert_string_equal(fake_card_attribute("card0"), "4\n");

        /* A device without all its attributes does not stay. */
        assert_int_equal(CALL("CreateDevice", "sssa(ss)a{sv}", UUID_B, "card1", FAKE_TYPE, 1, "color", "red", 0),
                         FAILURE_INVALID_ATTRIBUTE);
        assert_null(device_of(UUID_B));
        assert_int_equal(create(UUID_B, "card1"), FAILURE_NONE);
}

static void test_create_whose_worker_dies(void **state) {
        fake_worker_dies();
        assert_int_equal(create(UUID_A, "card0"), FAILURE_IO_ERROR);
        assert_null(device_of(UUID_A));
        assert_int_equal(create(UUID_B, "card0"), FAILURE_NONE);
}

/* A later device is at the same path, with the same UUID even. */
static void test_device_of_others(void **state) {
        ino_t first;

        fake_card_set("card0", UUID_A);
        assert_int_equal(CALL("GetDevice", "s", UUID_A), FAILURE_NONE);
        first = device_of(UUID_A)->inode;
        fake_card_set("card0", NULL);
        fake_card_set("card0", UUID_A);
        look_at_all();
        assert_true(device_of(UUID_A)->inode != first);
        assert_int_equal(stop(UUID_A), FAILURE_NONE);
        assert_int_equal(create(UUID_B, "card0"), FAILURE_NONE);
}

static void test_definitions(void **state) {
        assert_int_equal(define(UUID_A, "card0", "manual"), FAILURE_NONE);
        assert_int_equal(define(UUID_A, "card0", "manual"), FAILURE_ALREADY_DEFINED);
        assert_int_equal(CALL("StartDevice", "ssa{sv}", UUID_A, "", 0), FAILURE_NONE);
        assert_true(device_of(UUID_A)->defined);
        assert_int_equal(CALL("Undefine", "ssa{sv}", UUID_A, "", 0), FAILURE_NONE);
        assert_false(device_of(UUID_A)->defined);
        assert_int_equal(stop(UUID_A), FAILURE_NONE);
        assert_int_equal(CALL("StartDevice", "ssa{sv}", UUID_A, "", 0), FAILURE_NOT_DEFINED);
}

static void test_start_that_waits_for_an_instance(void **state) {
        struct answer start;

        assert_int_equal(create(UUID_B, "card0"), FAILURE_NONE);
        assert_int_equal(define(UUID_A, "card0", "manual"), FAILURE_NONE);
        begin(&start, "StartDevice", "ssa{sv}", UUID_A, "", 1, "wait", "b", true);
        run();
        assert_false(start.is_there);
        assert_int_equal(stop(UUID_B), FAILURE_NONE);
        assert_int_equal(end(&start), FAILURE_NONE);
}

static void wait_until_active(const char *uuid) {
        uint64_t give_up = now_usec() + 10 * USEC_PER_SEC;

        while (!device_of(uuid) || device_of(uuid)->state != DEVICE_ACTIVE) {
                assert_true(now_usec() < give_up);
                (void) sd_event_run(manager->event, 10 * USEC_PER_MSEC);
        }
}

static void test_autostart(void **state) {
        assert_int_equal(define(UUID_A, "card2", "auto"), FAILURE_NONE);
        assert_null(device_of(UUID_A));
        fake_card_add("card2");
        look_at_all();
        wait_until_active(UUID_A);

        /* The parent comes back, which makes it another registration. */
        fake_card_remove("card2");
        look_at_all();
        assert_null(device_of(UUID_A));
        fake_card_add("card2");
        look_at_all();
        wait_until_active(UUID_A);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_create_and_stop),
                TEST(test_what_there_is_not),
                TEST(test_jobs_of_one_device_come_in_turn),
                TEST(test_device_in_use),
                TEST(test_attributes),
                TEST(test_create_whose_worker_dies),
                TEST(test_device_of_others),
                TEST(test_definitions),
                TEST(test_start_that_waits_for_an_instance),
                TEST(test_autostart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
