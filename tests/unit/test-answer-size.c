/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* That no answer is larger than what is calculated before it is made. */

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/bus-names.h"
#include "common/io.h"
#include "common/json-text.h"
#include "common/root.h"
#include "daemon/api/answer-size.h"
#include "daemon/api/manager-bus.h"
#include "daemon/api/manager.h"
#include "daemon/autostart/autostart-job.h"
#include "daemon/bus/export.h"
#include "daemon/definitions/catch-up.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/peers/scheduler.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"
#include "tests/unit/fake-bus.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/fake-manager.h"
#include "tests/unit/test.h"

#define CALLER ":1.1"

/* How many objects of a kind there are. */
#define N 20

static struct manager *manager;
static sd_bus *callers;

/* The name of parents and types. In a path, each byte of the long one becomes three. */
static char long_name[201];
static const char *name;

static int set_up(void **state) {
        struct peer *peer;

        memset(long_name, '-', sizeof(long_name) - 1);
        name = *state;
        fake_host_new();
        manager = fake_manager_new();
        exports_set_quiet(manager->exports, true);
        fake_bus_connect(manager->bus, &callers);
        assert_int_equal(peers_new(&manager->peers), 0);
        assert_int_equal(scheduler_new(&manager->scheduler, manager->event, manager->bus, manager->peers,
                                       answer_size_check, manager), 0);
        assert_int_equal(autostart_new(&manager->autostart, manager->event, manager->registry, &autostart_job_hooks,
                                       manager->jobs), 0);
        assert_int_equal(catch_up_new(&manager->catch_up, manager->event, manager->store), 0);
        assert_int_equal(manager_bus_attach(manager), 0);
        assert_int_equal(peer_get(manager->peers, CALLER, &peer), 0);
        peer_identify(peer, 0);
        return 0;
}

static int tear_down(void **state) {
        fake_manager_free(manager);
        sd_bus_close_unref(callers);
        fake_host_free();
        return 0;
}

/* --- what there is */

static void look(void) {
        store_scan(manager->store);
        assert_int_equal(registry_enumerate(manager->registry), 0);
        registry_settle(manager->registry);
}

static void add_parents(void) {
        char numbered[256];

        for (int i = 0; i < N; i++) {
                _cleanup_json_ json_object *types = json_tokener_parse(
                        "{\"a\": {}, \"b\": {\"name\": \"\"}, \"c\": {\"available_instances\": 4294967294},"
                        " \"d\": {\"name\": \"x\", \"device_api\": \"vfio-pci\", \"available_instances\": 1,"
                        " \"description\": \"a\\nb\"}}");
                struct parent *parent;

                snprintf(numbered, sizeof(numbered), "%s%02d", name, i);
                fake_parent_add(numbered, "type-1");
                look();
                parent = parent_find(manager->registry, numbered);
                assert_non_null(parent);
                assert_int_equal(mdev_types_parse(types, &parent->types), 0);
        }
}

static void add_devices(void) {
        char uuid[UUID_TEXT_SIZE];

        fake_parent_add(name, name);
        for (int i = 0; i < N; i++) {
                uuid_random(uuid);
                fake_device_set(name, uuid, true, name);
        }
        look();
        assert_int_equal(HASH_COUNT(manager->registry->devices), N);
}

static void add_definition(const char *file, const char *text) {
        int directory, fd;

        (void) mkdirat(root_fd(), "etc", 0755);
        (void) mkdirat(root_fd(), "etc/mdevctl.d", 0755);
        directory = openat(root_fd(), "etc/mdevctl.d", O_RDONLY | O_CLOEXEC);
        (void) mkdirat(directory, name, 0755);
        assert_int_equal(fchdir(directory), 0);
        assert_int_equal(chdir(name), 0);
        fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        /* An invalid file that was just written may not be complete yet. */
        assert_int_equal(futimens(fd, (struct timespec[2]) {}), 0);
        close(fd);
        close(directory);
}

static void add_definitions(void) {
        char uuid[UUID_TEXT_SIZE];

        for (int i = 0; i < N; i += 4) {
                uuid_random(uuid);
                add_definition(uuid, "{\"mdev_type\": \"t\", \"start\": \"manual\", \"attrs\": []}");
                uuid_random(uuid);
                add_definition(uuid, "{\"mdev_type\": \"t\", \"start\": \"auto\", \"attrs\": "
                                              "[{\"a\": \"1\"}, {\"b\": \"\"}, {\"c\": \"x\"}, {\"d\": \"\"}]}");
                uuid_random(uuid);
                add_definition(uuid, "not JSON");
                /* Not in lower case. */
                uuid_random(uuid);
                uuid[0] = 'A';
                add_definition(uuid, "{\"mdev_type\": \"t\", \"start\": \"auto\", \"attrs\": []}");
        }
        look();
        assert_int_equal(manager->store->n_definitions, N);
}

static void add_jobs(void) {
        char uuid[UUID_TEXT_SIZE];
        struct job *job;

        manager->jobs->last_id = UINT64_MAX - N;
        for (int i = 0; i < N; i++) {
                uuid_random(uuid);
                assert_int_equal(job_new_undefine(&job, manager->jobs, uuid, NULL), 0);
                assert_int_equal(job_submit(job), 0);
                /* The event loop does not start it. */
                job_set_state(job, JOB_STARTING);
                job_unref(job);
        }
}

/* --- what is answered */

/* Returns how many bytes came back. */
static size_t ask(const char *interface, const char *member, size_t *ret_bound) {
        sd_bus_message *call = fake_bus_new_call(callers, CALLER, BUS_ROOT, interface, member);
        char buffer[65536];
        size_t size = 0;
        ssize_t n;

        fake_bus_send(callers, sd_bus_message_ref(call));
        *ret_bound = answer_size_bound(manager, call);
        sd_bus_message_unref(call);
        while (sd_event_run(manager->event, 0) > 0 || sd_bus_process(manager->bus, NULL) > 0)
                while ((n = recv(sd_bus_get_fd(callers), buffer, sizeof(buffer), 0)) > 0)
                        size += (size_t) n;
        return size;
}

static const struct {
        const char *interface, *member;
} lists[] = {
        { "org.freedesktop.DBus.ObjectManager", "GetManagedObjects" },
        { "org.freedesktop.DBus.Introspectable", "Introspect" },
        { BUS_MANAGER, "ListDefinitions" },
        { BUS_MANAGER, "ListDevices" },
};

/* How much an answer grows with what @add adds is what counts: the rest of the bound is generous. */
static void check(void (*add)(void)) {
        size_t before[ELEMENTSOF(lists)], bounds[ELEMENTSOF(lists)];

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                before[i] = ask(lists[i].interface, lists[i].member, bounds + i);
                assert_in_range(before[i], 1, bounds[i]);
        }
        add();
        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                size_t bound, size = ask(lists[i].interface, lists[i].member, &bound);

                if (getenv("VERBOSE"))
                        print_message("%s: %zu bytes an object, bound %zu\n", lists[i].member, (size - before[i]) / N,
                                      (bound - bounds[i]) / N);
                assert_in_range(size - before[i], 0, bound - bounds[i]);
        }
}

static void test_parents(void **state) {
        check(add_parents);
}

static void test_devices(void **state) {
        check(add_devices);
}

static void test_definitions(void **state) {
        check(add_definitions);
}

static void test_jobs(void **state) {
        check(add_jobs);
}

/* What is too large is refused; all else is answered. */
static void test_limit(void **state) {
        size_t n = ANSWER_SIZE_MAX / 800, bound;
        struct device *devices = calloc(n, sizeof(*devices));

        for (size_t i = 0; i < n; i++) {
                snprintf(devices[i].uuid, sizeof(devices[i].uuid), "%036zu", i);
                devices[i].parent = devices[i].type = long_name;
                devices[i].export.path = (char *) "/x";
                HASH_ADD_STR(manager->registry->devices, uuid, devices + i);
                if (i == 1000)
                        assert_true(ask(BUS_MANAGER, "ListDevices", &bound) > 1000 * 400);
        }
        assert_in_range(ask(BUS_MANAGER, "ListDevices", &bound), 1, 1000);
        assert_true(bound > ANSWER_SIZE_MAX);
        assert_true(ask(BUS_MANAGER, "ListDefinitions", &bound) > 0);
        assert_true(bound < ANSWER_SIZE_MAX);
        HASH_CLEAR(hh, manager->registry->devices);
        free(devices);
}

/* The file of an invalid definition may have a name that is longer than a UUID. */
static void test_limit_of_definitions(void **state) {
        size_t n = 18000, bound;
        struct stored_definition *definitions = calloc(n, sizeof(*definitions));
        struct store_directory directory = { .parent = long_name };
        char file[NAME_MAX + 1], (*files)[NAME_MAX + 1] = calloc(n, sizeof(file));

        memset(file, '-', sizeof(file));
        for (size_t i = 0; i < n; i++) {
                snprintf(files[i], sizeof(files[i]), "%05zu%.*s", i, NAME_MAX - 5, file);
                definitions[i].directory = &directory;
                definitions[i].uuid = files[i];
                definitions[i].export.path = (char *) "/x";
                HASH_ADD_KEYPTR(hh, directory.definitions, files[i], NAME_MAX, definitions + i);
        }
        HASH_ADD_KEYPTR(hh, manager->store->directories, directory.parent, strlen(directory.parent), &directory);
        manager->store->n_definitions = (unsigned int) n;
        assert_in_range(ask(BUS_MANAGER, "ListDefinitions", &bound), 1, 2000);
        assert_true(bound > ANSWER_SIZE_MAX);
        manager->store->n_definitions = 0;
        HASH_CLEAR(hh, manager->store->directories);
        HASH_CLEAR(hh, directory.definitions);
        free(definitions);
        free(files);
}

#define TEST(test, name) cmocka_unit_test_prestate_setup_teardown(test, set_up, tear_down, name)

int main(void) {
        static char short_name[] = "p";
        const struct CMUnitTest tests[] = {
                TEST(test_parents, long_name),     TEST(test_parents, short_name),
                TEST(test_devices, long_name),     TEST(test_devices, short_name),
                TEST(test_definitions, long_name), TEST(test_definitions, short_name),
                TEST(test_jobs, short_name),       TEST(test_limit, short_name),
                TEST(test_limit_of_definitions, short_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
