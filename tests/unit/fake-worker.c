/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker in the event loop of the test. It does its tasks with the code of mediated-worker, except that there are no
 * callouts. */

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/intent.h"
#include "common/io.h"
#include "common/root.h"
#include "tests/unit/fake-backend.h"
#include "tests/unit/fake-card.h"
#include "tests/unit/test.h"
#include "worker/backend.h"
#include "worker/callouts.h"

#define WORKERS_MAX 8

static struct fake_worker {
        struct worker *worker;
        sd_event_source *source;
} workers[WORKERS_MAX];
static size_t n_workers;
static bool dies;                       /* whether the next worker that creates a device dies afterwards */
static bool is_dead;                    /* whether the worker that has the task has died in it */

/* --- the back end's part that may block */

static void list_types(const struct task *task, struct report *report) {
        const struct fake_card *card = fake_card_find(task->parent);
        json_object *type = json_object_new_object();

        report->types = json_object_new_object();
        json_put(&type, "name", json_object_new_string("Fake 1G"));
        json_put(&type, "available_instances", json_object_new_int(card && card->generation == 0));
        json_put(&report->types, FAKE_TYPE, type);
}

static int create(const struct task *task, struct failure *failure) {
        struct fake_card *card = fake_card_find(task->parent);

        assert_int_equal(intent_set_writing(task->uuid, true), 0);
        if (card && card->generation == 0) {
                fake_card_put(card, task->uuid);
                is_dead = dies;
                dies = false;
                return 0;
        }
        assert_int_equal(intent_set_writing(task->uuid, false), 0);
        return failure_set(failure, card ? FAILURE_NO_AVAILABLE_INSTANCES : FAILURE_NO_SUCH_PARENT,
                           "Cannot create device %s", task->uuid);
}

static int open_device(const struct task *task, struct sysfs_device *ret) {
        const struct fake_card *card = fake_card_with(task->uuid);
        int fd;

        if (!card)
                return -ENOENT;
        fake_card_look(card, ret);
        fd = openat(root_fd(), ret->path + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static void remove_device(const struct task *task, const char *path, ino_t inode, struct report *report) {
        _cleanup_close_ int device_fd = -1, group_fd = -1;
        struct fake_card *card = fake_card_find(path_name(path));

        report->kind = REPORT_DONE;
        if (!card || card->generation != inode)
                return;
        device_fd = openat(root_fd(), path + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (device_is_in_use(device_fd, task->held_by, report, &group_fd))
                report->kind = REPORT_BUSY;
        else
                card->generation = 0;
}

static const struct worker_backend worker_backend = {
        .list_types = list_types,
        .create = create,
        .open_device = open_device,
        .remove = remove_device,
};

const struct worker_backend *backend_of(const struct task *task) {
        return &worker_backend;
}

/* --- the rest of the worker's program */

void wait_unless_orphaned(uint64_t usec) {
        sleep_usec(usec);
}

bool callouts_exist(void) {
        return false;
}

void callouts_around(const struct task *task, const char *action, const struct definition *conf,
                     void (*func)(const struct task *task, void *userdata, struct report *report), void *userdata,
                     struct report *report) {
        func(task, userdata, report);
}

void callouts_interrupted(const struct task *task, const char *action, const struct definition *conf, bool success) {
}

static void (*const tasks[_TASK_KIND_MAX])(const struct task *task, struct report *report) = {
        [TASK_CREATE] = run_create,
        [TASK_STOP] = run_stop,
        [TASK_RECOVER] = run_recover,
        [TASK_READ_TYPES] = list_types,
        [TASK_DEFINE] = run_define,
        [TASK_MODIFY] = run_modify,
        [TASK_UNDEFINE] = run_undefine,
        [TASK_CLEAN_STORE] = run_clean_store,
};

static void worker_end(struct fake_worker *fake) {
        fake->source = sd_event_source_disable_unref(fake->source);
}

static int on_task(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        _cleanup_json_ json_object *message = NULL;
        _cleanup_task_ struct task task = {};
        _cleanup_report_ struct report report = { .kind = REPORT_DONE };
        struct fake_worker *fake = userdata;

        if (message_receive(fd, &message) <= 0) {
                worker_end(fake);
                return 0;
        }
        assert_int_equal(task_parse(message, &task), 0);
        tasks[task.kind](&task, &report);
        if (!is_dead) {
                assert_int_equal(report_send(fd, &report), 0);
                return 0;
        }
        is_dead = false;
        worker_end(fake);
        worker_ended(fake->worker);
        return 0;
}

int fake_worker_spawn(struct pool *pool, sd_event *event, const char *program, struct worker **ret) {
        struct fake_worker *fake = workers + n_workers++;
        int fds[2];

        assert_true(n_workers <= WORKERS_MAX);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        assert_int_equal(worker_new(pool, event, fds[0], &fake->worker), 0);
        assert_true(sd_event_add_io(event, &fake->source, fds[1], EPOLLIN, on_task, fake) >= 0);
        assert_true(sd_event_source_set_io_fd_own(fake->source, true) >= 0);
        assert_int_equal(report_send(fds[1], &(struct report) { .kind = REPORT_HELLO, .start_time = 1 }), 0);
        *ret = fake->worker;
        return 0;
}

void fake_worker_dies(void) {
        dies = true;
}

void fake_workers_free(void) {
        while (n_workers > 0)
                worker_end(workers + --n_workers);
}
