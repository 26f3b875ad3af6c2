/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each allocation of what daemon and worker share fails once: what cannot be done says so, what is done is whole. */

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "common/definition.h"
#include "common/fail-alloc.h"
#include "common/intent.h"
#include "common/protocol.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/test.h"

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

/* Longer than the buffers that json-c begins with. */
static char long_text[400];

static int fds[2];
static struct task task;
static struct report report;

static int prepare(void **state) {
        memset(long_text, 'x', sizeof(long_text) - 1);
        task = (struct task) {
                .kind = TASK_MODIFY,
                .uuid = strdup(UUID),
                .parent = strdup("mtty"),
                .type = strdup("mtty-1"),
                .path = strdup(long_text),
                .force = true,
                .start = START_AUTO,
                .inode = 4711,
                .job = 7,
        };
        attributes_append(&task.attributes, "setting", long_text);
        attributes_append(&task.attributes, "vendor/a", "1");
        task.changes = (struct definition_changes) {
                .type = strdup("mtty-2"),
                .set_start = true,
                .set_attributes = true,
        };
        attributes_copy(&task.attributes, &task.changes.attributes);
        definition_changes_add(&task.changes, true, -1, "added", long_text);
        definition_changes_add(&task.changes, false, 3, NULL, NULL);

        report = (struct report) {
                .kind = REPORT_BUSY,
                .served = true,
                .has_attributes = true,
                .holders = calloc(2, sizeof(struct holder)),
                .n_holders = 2,
                .types = json_tokener_parse("{\"mtty-1\": {\"name\": \"one\", \"available_instances\": 24}}"),
        };
        report.holders[0] = (struct holder) { .pid = 1, .name = "qemu" };
        report.holders[1] = (struct holder) { .pid = 4711, .name = "?" };
        failure_set(&report.failure, FAILURE_DEVICE_BUSY, "%s", long_text);
        attributes_copy(&task.attributes, &report.attributes);
        fake_host_new();
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds);
}

static int clean_up(void **state) {
        task_clear(&task);
        report_clear(&report);
        fake_host_free();
        close(fds[0]);
        close(fds[1]);
        return 0;
}

/* Calls @func again and again, while each time another allocation in it fails, until there is none that could. */
static void walk(int (*func)(void)) {
        unsigned int n = 0;
        int r;

        do {
                fail_alloc(++n);
                r = func();
                /* A failure may also be made good. */
                assert_true(r == 0 || fail_alloc_failed());
        } while (fail_alloc_failed());
        fail_alloc(0);
        assert_true(n > 5);
}

static bool same_list(const struct definition_changes *a, const struct definition_changes *b) {
        for (size_t i = 0; i < a->n_list && a->n_list == b->n_list; i++)
                if (a->list[i].add != b->list[i].add || a->list[i].index != b->list[i].index ||
                    (a->list[i].add && (!streq(a->list[i].name, b->list[i].name) ||
                                        !streq(a->list[i].value, b->list[i].value))))
                        return false;
        return a->n_list == b->n_list;
}

/* What could not be read for lack of memory is still there. */
static int receive(json_object **ret) {
        int r;

        r = message_receive(fds[1], ret);
        return r == -ENOMEM ? message_receive(fds[1], ret) : r;
}

static int pass_task(void) {
        _cleanup_json_ json_object *object = NULL;
        _cleanup_task_ struct task received = {};
        int r;

        r = task_send(fds[0], &task);
        if (r >= 0)
                r = receive(&object);
        if (r >= 0)
                r = task_parse(object, &received);
        if (r < 0)
                return r;
        assert_string_equal(received.uuid, task.uuid);
        assert_string_equal(received.parent, task.parent);
        assert_string_equal(received.type, task.type);
        assert_string_equal(received.path, task.path);
        assert_true(received.force && received.start == START_AUTO && received.inode == 4711 && received.job == 7);
        assert_true(attributes_equal(&received.attributes, &task.attributes));
        assert_string_equal(received.changes.type, task.changes.type);
        assert_true(received.changes.set_start && received.changes.set_attributes);
        assert_true(attributes_equal(&received.changes.attributes, &task.changes.attributes));
        assert_true(same_list(&received.changes, &task.changes));
        return 0;
}

static void test_task(void **state) {
        walk(pass_task);
}

static int pass_report(void) {
        _cleanup_json_ json_object *object = NULL;
        _cleanup_report_ struct report received = {};
        int r;

        r = report_send(fds[0], &report);
        if (r >= 0)
                r = receive(&object);
        if (r >= 0)
                r = report_parse(object, &received);
        if (r < 0)
                return r;
        assert_true(received.kind == REPORT_BUSY && received.failure.code == FAILURE_DEVICE_BUSY && received.served);
        assert_string_equal(received.failure.message, long_text);
        assert_int_equal(received.n_holders, 2);
        assert_true(received.holders[1].pid == 4711 && streq(received.holders[0].name, "qemu"));
        assert_true(attributes_equal(&received.attributes, &report.attributes));
        assert_true(json_object_equal(received.types, report.types));
        return 0;
}

static void test_report(void **state) {
        walk(pass_report);
}

static int keep_intent(void) {
        struct intent intent = {
                .parent = (char *) "mtty",
                .type = long_text + 300,
                .pid = 1,
                .start_time = 2,
                .inode = 3,
        };
        _cleanup_intent_ struct intent loaded = {};
        int r;

        r = intent_store(UUID, &intent);
        if (r >= 0)
                r = intent_load(UUID, &loaded);
        if (r < 0)
                return r;
        assert_string_equal(loaded.parent, "mtty");
        assert_string_equal(loaded.type, long_text + 300);
        assert_true(loaded.pid == 1 && loaded.start_time == 2 && loaded.inode == 3);
        return 0;
}

static void test_intent(void **state) {
        walk(keep_intent);
        assert_int_equal(intent_remove(UUID), 0);
}

/* @text, changed and printed. */
static int change_definition(const char *text, const char *expected) {
        _cleanup_definition_ struct definition *definition = NULL;
        _cleanup_failure_ struct failure failure = {};
        _cleanup_free_ char *printed = NULL;
        struct definition_error error;
        int r;

        r = definition_parse(text, strlen(text), &definition, &error);
        if (r >= 0)
                r = definition_changes_apply(&task.changes, definition, &failure);
        if (r >= 0)
                r = definition_format(definition, &printed);
        if (r < 0)
                return r;
        assert_string_equal(printed, expected);
        return 0;
}

#define ATTRIBUTES                                                                                                     \
        "\"attrs\": [\n    {\n      \"setting\": \"%1$s\"\n    },\n    {\n      \"vendor/a\": \"1\"\n    },\n"         \
        "    {\n      \"added\": \"%1$s\"\n    }\n  ]"

static int change_plain_definition(void) {
        static char text[600], expected[1200];

        snprintf(text, sizeof(text), "{\n  \"mdev_type\": \"%s\",\n  \"start\": \"auto\",\n  \"attrs\": []\n}",
                 long_text);
        snprintf(expected, sizeof(expected),
                 "{\n  \"mdev_type\": \"mtty-2\",\n  \"start\": \"manual\",\n  " ATTRIBUTES "\n}", long_text);
        return change_definition(text, expected);
}

/* With keys of others, which stay. */
static int change_other_definition(void) {
        static char text[1600], expected[2400];

        snprintf(text, sizeof(text),
                 "{\"theirs\": {\"key\": [1, \"%s\"]}, \"mdev_type\": \"x\", \"start\": \"auto\", \"%s\": 7}",
                 long_text, long_text);
        snprintf(expected, sizeof(expected),
                 "{\n  \"theirs\": {\n    \"key\": [\n      1,\n      \"%1$s\"\n    ]\n  },\n"
                 "  \"mdev_type\": \"mtty-2\",\n  \"start\": \"manual\",\n  \"%1$s\": 7,\n  " ATTRIBUTES "\n}",
                 long_text);
        return change_definition(text, expected);
}

static void test_definition(void **state) {
        task.changes.start = START_MANUAL;
        task.changes.n_list = 1;
        walk(change_plain_definition);
        walk(change_other_definition);
        task.changes.n_list = 2;
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_task),
                cmocka_unit_test(test_report),
                cmocka_unit_test(test_intent),
                cmocka_unit_test(test_definition),
        };

        return cmocka_run_group_tests(tests, prepare, clean_up);
}
