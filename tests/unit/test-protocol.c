/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks and reports over a real socket, and what is no message. */

#include "common/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "tests/unit/test.h"

static int fds[2];

static int open_sockets(void **state) {
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds);
}

static int close_sockets(void **state) {
        close(fds[0]);
        close(fds[1]);
        return 0;
}

static struct task task_through_socket(const struct task *task) {
        _cleanup_json_ json_object *object = NULL;
        struct task received = {};

        assert_int_equal(task_send(fds[0], task), 0);
        assert_int_equal(message_receive(fds[1], &object), 1);
        assert_int_equal(task_parse(object, &received), 0);
        return received;
}

static void test_task(void **state) {
        _cleanup_task_ struct task task = {
                .kind = TASK_CREATE,
                .uuid = strdup("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"),
                .parent = strdup("mtty"),
                .type = strdup("mtty-1"),
                .orphan_pid = 4711,
                .orphan_start_time = UINT64_MAX,
        };
        _cleanup_task_ struct task received = {};

        attributes_append(&task.attributes, "vendor/params", "a=1,\"b\"\\\n\t\x7f");
        attributes_append(&task.attributes, "vendor/params", "ä\xff");
        received = task_through_socket(&task);

        assert_int_equal(received.kind, TASK_CREATE);
        assert_string_equal(received.uuid, task.uuid);
        assert_string_equal(received.parent, "mtty");
        assert_string_equal(received.type, "mtty-1");
        assert_true(attributes_equal(&received.attributes, &task.attributes));
        assert_int_equal(received.orphan_pid, 4711);
        assert_true(received.orphan_start_time == UINT64_MAX);
}

static void test_large_task(void **state) {
        _cleanup_task_ struct task task = {
                .kind = TASK_CREATE,
                .uuid = strdup("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"),
                .parent = strdup("mtty"),
                .type = strdup("mtty-1"),
        };
        _cleanup_task_ struct task received = {};
        char value[4000];

        memset(value, 'x', sizeof(value) - 1);
        value[sizeof(value) - 1] = '\0';
        for (int i = 0; i < 100; i++)
                attributes_append(&task.attributes, "a", value);

        received = task_through_socket(&task);
        assert_true(attributes_equal(&received.attributes, &task.attributes));
}

static void test_report(void **state) {
        _cleanup_json_ json_object *object = NULL;
        _cleanup_report_ struct report report = { .kind = REPORT_BUSY }, received = {};

        report.holders = calloc(2, sizeof(struct holder));
        report.n_holders = 2;
        report.n_more_holders = 5000;
        report.holders[0] = (struct holder) { .pid = 1, .name = "qemu-system-x86" };
        report.holders[1] = (struct holder) { .pid = 4194304, .name = "?" };
        failure_set(&report.failure, FAILURE_DEVICE_BUSY, "in %s", "use");

        assert_int_equal(report_send(fds[0], &report), 0);
        assert_int_equal(message_receive(fds[1], &object), 1);
        assert_int_equal(report_parse(object, &received), 0);
        assert_int_equal(received.kind, REPORT_BUSY);
        assert_int_equal(received.failure.code, FAILURE_DEVICE_BUSY);
        assert_string_equal(received.failure.message, "in use");
        assert_int_equal(received.n_holders, 2);
        assert_int_equal(received.n_more_holders, 5000);
        assert_string_equal(received.holders[0].name, "qemu-system-x86");
        assert_int_equal(received.holders[1].pid, 4194304);
}

static void test_too_many_holders(void **state) {
        _cleanup_json_ json_object *object = json_object_new_object();
        json_object *holders = json_object_new_array();
        _cleanup_report_ struct report report = {};

        json_object_object_add(object, "report", json_object_new_string("busy"));
        json_object_object_add(object, "holders", holders);
        for (int i = 1; i <= HOLDERS_MAX + 1; i++) {
                json_object *holder = json_object_new_object();

                json_object_object_add(holder, "pid", json_object_new_int(i));
                json_object_object_add(holder, "name", json_object_new_string("vm"));
                json_object_array_add(holders, holder);
                if (i > HOLDERS_MAX)
                        break;
                report_clear(&report);
                assert_int_equal(report_parse(object, &report), 0);
                assert_int_equal(report.n_holders, i);
        }
        report_clear(&report);
        assert_int_equal(report_parse(object, &report), -EBADMSG);
}

static void test_every_failure_has_a_name(void **state) {
        for (enum failure_code code = FAILURE_NONE + 1; code < _FAILURE_CODE_MAX; code++) {
                assert_non_null(failure_code_to_name(code));
                assert_int_equal(failure_code_from_name(failure_code_to_name(code)), code);
        }
        assert_int_equal(failure_code_from_name("org.example.Unknown"), FAILURE_IO_ERROR);
}

static void test_first_failure_is_the_cause(void **state) {
        _cleanup_failure_ struct failure failure = {};

        failure_set(&failure, FAILURE_WEDGED, "first");
        failure_set(&failure, FAILURE_IO_ERROR, "second");
        assert_int_equal(failure.code, FAILURE_WEDGED);
        assert_string_equal(failure.message, "first");
}

static void test_failure_of_an_attribute(void **state) {
        static const char uuid[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
        _cleanup_failure_ struct failure failure = {}, missing = {}, other = {};
        const char *reason;
        bool is_missing;

        failure_set_attribute(&failure, uuid, "setting", "it's '1': x", EINVAL);
        assert_int_equal(failure.code, FAILURE_INVALID_ATTRIBUTE);
        assert_string_equal(failure.message, "Device 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 cannot be configured: "
                                             "attribute 'setting' cannot be set to 'it's '1': x': Invalid argument");
        reason = failure_attribute_reason(&failure, uuid, "setting", "it's '1': x", &is_missing);
        assert_string_equal(reason, "Invalid argument");
        assert_false(is_missing);
        assert_null(failure_attribute_reason(&failure, uuid, "setting", "1", &is_missing));
        assert_null(failure_attribute_reason(&failure, uuid, "other", "it's '1': x", &is_missing));

        failure_set_attribute(&missing, uuid, "setting", "", ENOENT);
        assert_non_null(failure_attribute_reason(&missing, uuid, "setting", "", &is_missing));
        assert_true(is_missing);

        failure_set(&other, FAILURE_INVALID_ATTRIBUTE, "Device %s: attribute 'setting' is refused: why", uuid);
        assert_null(failure_attribute_reason(&other, uuid, "setting", "", &is_missing));
}

static void test_bad_messages(void **state) {
        static const char *const bad[] = { "", "x", "[]", "{", "null", "\"task\"", "7" };
        json_object *object = (json_object *) 1;

        assert_int_equal(message_receive(fds[1], &object), -EAGAIN);
        for (size_t i = 1; i < ELEMENTSOF(bad); i++) {
                assert_true(send(fds[0], bad[i], strlen(bad[i]), 0) >= 0);
                assert_int_equal(message_receive(fds[1], &object), -EBADMSG);
        }
        assert_ptr_equal(object, (json_object *) 1);
}

static void test_bad_tasks_and_reports(void **state) {
        static const char *const bad[] = {
                "{}", "{\"task\": 1, \"report\": 1}", "{\"task\": \"fly\", \"report\": \"fly\"}",
                "{\"task\": \"create\", \"attributes\": {}, \"report\": \"busy\", \"holders\": {}}",
                "{\"task\": \"create\", \"attributes\": [[\"a\"]], \"report\": \"busy\", \"holders\": [1]}",
                "{\"task\": \"create\", \"attributes\": [[1, 2]], \"report\": \"busy\", \"holders\": [{\"pid\": 0}]}",
                "{\"task\": \"recover\", \"orphan-pid\": 99999999999, \"report\": \"done\", \"types\": []}",
                /* What whoever receives it does not ask for again. */
                "{\"task\": \"create\", \"parent\": \"a\", \"type\": \"b\", \"report\": \"failed\"}",
                "{\"task\": \"stop\", \"uuid\": \"x\", \"parent\": \"a\", \"type\": \"b\", \"path\": \"/\","
                " \"report\": \"failed\", \"message\": \"x\"}",
                "{\"task\": \"read-types\", \"report\": \"done\", \"types\": {\"a\": null}}",
                "{\"task\": \"define\", \"report\": \"done\", \"types\": {\"a\": {\"name\": null}}}",
                "{\"task\": \"live\", \"report\": \"done\", \"types\": {\"a\": {\"name\": \"\xff\"}}}",
                "{\"task\": \"undefine\", \"report\": \"done\", \"attributes\": [[\"a\", \"\xff\"]]}",
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_json_ json_object *object = json_tokener_parse(bad[i]);
                struct task task = {};
                struct report report = {};

                assert_non_null(object);
                assert_int_equal(task_parse(object, &task), -EBADMSG);
                assert_int_equal(report_parse(object, &report), -EBADMSG);
        }
}

static void send_memfds(const char *text, size_t n, int seals) {
        union {
                struct cmsghdr header;
                char buffer[CMSG_SPACE(3 * sizeof(int))];
        } control = {
                .header = { .cmsg_len = CMSG_LEN(n * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS },
        };
        struct iovec iov = { .iov_base = (void *) "m", .iov_len = 1 };
        struct msghdr msg = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = control.buffer,
                .msg_controllen = CMSG_SPACE(n * sizeof(int)),
        };
        int memfds[3];

        for (size_t i = 0; i < n; i++) {
                memfds[i] = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
                assert_int_equal(write(memfds[i], text, strlen(text)), strlen(text));
                assert_int_equal(fcntl(memfds[i], F_ADD_SEALS, seals), 0);
        }
        memcpy(CMSG_DATA(&control.header), memfds, n * sizeof(int));
        assert_int_equal(sendmsg(fds[0], &msg, 0), 1);
        for (size_t i = 0; i < n; i++)
                close(memfds[i]);
}

static void test_unsealed_memfd(void **state) {
        json_object *object;

        send_memfds("{}", 1, F_SEAL_WRITE);
        assert_int_equal(message_receive(fds[1], &object), -EBADMSG);
}

/* The room for one fd has padding behind it, in which a second one has its place. */
static void test_no_fd_stays_open(void **state) {
        int lowest = dup(fds[0]), after;

        close(lowest);
        for (size_t n = 1; n <= 3; n++) {
                json_object *object = NULL;

                send_memfds("{}", n, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
                assert_int_equal(message_receive(fds[1], &object), n == 1 ? 1 : -EBADMSG);
                json_object_put(object);
                after = dup(fds[0]);
                assert_int_equal(after, lowest);
                close(after);
        }
}

/* What a driver, a program or a process's name may say, and D-Bus does not carry. */
static void test_texts_are_made_printable(void **state) {
        static const char text[] = "{\"report\": \"busy\", \"message\": \"caf\xe9 \\u001b[2J\", \"holders\": "
                                   "[{\"pid\": 1, \"name\": \"\xc3\"}]}";
        _cleanup_json_ json_object *object = NULL;
        _cleanup_report_ struct report report = {};

        assert_true(send(fds[0], text, strlen(text), 0) >= 0);
        assert_int_equal(message_receive(fds[1], &object), 1);
        assert_int_equal(report_parse(object, &report), 0);
        assert_string_equal(report.failure.message, "caf? ?[2J");
        assert_string_equal(report.holders[0].name, "?");
}

static void test_end_of_stream(void **state) {
        json_object *object;

        shutdown(fds[0], SHUT_RDWR);
        assert_int_equal(message_receive(fds[1], &object), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_task, open_sockets, close_sockets),
                cmocka_unit_test_setup_teardown(test_large_task, open_sockets, close_sockets),
                cmocka_unit_test_setup_teardown(test_report, open_sockets, close_sockets),
                cmocka_unit_test(test_too_many_holders),
                cmocka_unit_test(test_every_failure_has_a_name),
                cmocka_unit_test(test_first_failure_is_the_cause),
                cmocka_unit_test(test_failure_of_an_attribute),
                cmocka_unit_test_setup_teardown(test_bad_messages, open_sockets, close_sockets),
                cmocka_unit_test(test_bad_tasks_and_reports),
                cmocka_unit_test_setup_teardown(test_unsealed_memfd, open_sockets, close_sockets),
                cmocka_unit_test_setup_teardown(test_no_fd_stays_open, open_sockets, close_sockets),
                cmocka_unit_test_setup_teardown(test_texts_are_made_printable, open_sockets, close_sockets),
                cmocka_unit_test_setup_teardown(test_end_of_stream, open_sockets, close_sockets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
