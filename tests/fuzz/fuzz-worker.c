/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever arrives on the socket between daemon and worker, in both directions: it is refused, or it has all that its
 * receiver takes for granted and survives being sent again. No fd that came along stays open. The first byte says how
 * the rest is sent. */

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "common/protocol.h"
#include "common/utf8.h"
#include "common/uuid.h"
#include "tests/fuzz/fuzz.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
#define MEMFDS_MAX 3

/* How many memfds come with the datagram, and how they are sealed. */
static const struct {
        size_t n;
        int seals;
        bool empty;             /* the text is in them */
} ways[] = {
        { 0, 0, false },
        { 1, SEALS, true },
        { 1, F_SEAL_WRITE, true },
        { 1, SEALS, false },
        { 2, SEALS, true },
        { 3, SEALS, true },
};

static int fds[2];

static int memfd_with(struct input input, int seals) {
        int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        MUST(fd >= 0 && write(fd, input.data, input.size) == (ssize_t) input.size);
        MUST(fcntl(fd, F_ADD_SEALS, seals) >= 0);
        return fd;
}

static bool send_input(struct input input) {
        unsigned int way = input_take_byte(&input) % ELEMENTSOF(ways);
        union {
                struct cmsghdr header;
                char buffer[CMSG_SPACE(MEMFDS_MAX * sizeof(int))];
        } control = {};
        struct iovec iov = { .iov_base = (void *) (ways[way].empty ? "m" : input.data),
                             .iov_len = ways[way].empty ? 1 : input.size };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        int memfds[MEMFDS_MAX];
        ssize_t sent;

        for (size_t i = 0; i < ways[way].n; i++)
                memfds[i] = memfd_with(input, ways[way].seals);
        if (ways[way].n > 0) {
                msg.msg_control = control.buffer;
                msg.msg_controllen = CMSG_SPACE(ways[way].n * sizeof(int));
                control.header = (struct cmsghdr) {
                        .cmsg_len = CMSG_LEN(ways[way].n * sizeof(int)),
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                };
                memcpy(CMSG_DATA(&control.header), memfds, ways[way].n * sizeof(int));
        }
        sent = sendmsg(fds[0], &msg, MSG_DONTWAIT);
        for (size_t i = 0; i < ways[way].n; i++)
                close(memfds[i]);
        return sent >= 0;
}

static json_object *receive(void) {
        json_object *object = NULL;

        return message_receive(fds[1], &object) > 0 ? object : NULL;
}

static bool same(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

static void check_task(json_object *object) {
        _cleanup_task_ struct task task = {}, again = {};
        _cleanup_json_ json_object *sent = NULL;

        if (task_parse(object, &task) < 0)
                return;
        MUST(!task.uuid || uuid_is_normal(task.uuid));
        MUST(task.uuid || task.kind == TASK_READ_TYPES || task.kind == TASK_CLEAN_STORE);
        MUST(task.parent || task.kind == TASK_CLEAN_STORE);

        MUST(task_send(fds[0], &task) == 0);
        sent = receive();
        MUST(sent && task_parse(sent, &again) == 0);
        MUST(task.kind == again.kind && same(task.uuid, again.uuid) && same(task.parent, again.parent) &&
             same(task.type, again.type) && same(task.path, again.path));
        MUST(attributes_equal(&task.attributes, &again.attributes));
        MUST(task.job == again.job && task.force == again.force && task.interrupted == again.interrupted &&
             task.callout_timeout == again.callout_timeout && task.start == again.start && task.inode == again.inode &&
             task.held_by == again.held_by && task.orphan_pid == again.orphan_pid &&
             task.orphan_start_time == again.orphan_start_time);
        MUST(task.held_by >= 0 && task.orphan_pid >= 0);
        if (task.kind == TASK_DEFINE || task.kind == TASK_MODIFY)
                MUST(task.changes.n_list == again.changes.n_list &&
                     attributes_equal(&task.changes.attributes, &again.changes.attributes) &&
                     same(task.changes.type, again.changes.type));
}

static void check_text(const char *text) {
        MUST(utf8_is_valid(text, strlen(text)));
}

/* What the daemon puts on the bus unseen. */
static void check_texts(const struct report *report) {
        MUST(report->kind != REPORT_FAILED || (report->failure.code != FAILURE_NONE && report->failure.message));
        if (report->failure.message)
                check_text(report->failure.message);
        for (size_t i = 0; i < report->n_holders; i++) {
                MUST(report->holders[i].pid > 0);
                check_text(report->holders[i].name);
        }
        for (size_t i = 0; i < report->attributes.n; i++) {
                check_text(report->attributes.items[i].name);
                check_text(report->attributes.items[i].value);
        }
        if (!report->types)
                return;
        json_object_object_foreach(report->types, type, values) {
                check_text(type);
                json_object_object_foreach(values, key, value) {
                        (void) key;
                        if (!json_object_is_type(value, json_type_int))
                                check_text(json_object_get_string(value));
                }
        }
}

static void check_report(json_object *object) {
        _cleanup_report_ struct report report = {}, again = {};
        _cleanup_json_ json_object *sent = NULL;

        if (report_parse(object, &report) < 0)
                return;
        check_texts(&report);

        MUST(report_send(fds[0], &report) == 0);
        sent = receive();
        MUST(sent && report_parse(sent, &again) == 0);
        MUST(report.kind == again.kind && report.failure.code == again.failure.code &&
             same(report.failure.message, again.failure.message) && report.start_time == again.start_time &&
             report.served == again.served && report.has_attributes == again.has_attributes);
        MUST(attributes_equal(&report.attributes, &again.attributes));
        MUST(report.n_holders == again.n_holders && report.n_holders <= HOLDERS_MAX);
        MUST(report.n_more_holders == again.n_more_holders);
        for (size_t i = 0; i < report.n_holders; i++)
                MUST(report.holders[i].pid == again.holders[i].pid &&
                     streq(report.holders[i].name, again.holders[i].name));
        MUST(json_object_equal(report.types, again.types));
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_json_ json_object *object = NULL;
        int lowest = fuzz_lowest_fd();

        if (!send_input((struct input) { (const char *) data, size }))
                return 0;
        object = receive();
        MUST(fuzz_lowest_fd() == lowest);
        if (object) {
                check_task(object);
                check_report(object);
        }
        return 0;
}
