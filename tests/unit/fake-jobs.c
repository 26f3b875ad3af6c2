/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs that are put together by hand. */

#include "tests/unit/fake-jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "daemon/bus/export.h"
#include "daemon/jobs/job.h"
#include "daemon/registry/backend.h"
#include "daemon/registry/registry.h"
#include "daemon/workers/pool.h"
#include "tests/unit/test.h"

/* It never says hello. */
static int spawn(struct pool *pool, sd_event *event, const char *program, struct worker **ret) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        close(fds[1]);
        return worker_new(pool, event, fds[0], ret);
}

static int look_at_parent(const char *name, struct sysfs_parent *ret) {
        if (!streq(name, FAKE_PARENT_OF_ONE))
                return -ENOENT;
        *ret = (struct sysfs_parent) { .path = "/sys/devices/" FAKE_PARENT_OF_ONE };
        return 0;
}

static int lists_device(struct registry *registry, const char *uuid) {
        return 0;
}

static const struct backend backend_of_one = {
        .look_at_parent = look_at_parent,
        .lists_device = lists_device,
        .has_one_device = true,
};
static const struct backend *const backends[] = { &backend_of_one, NULL };
static const struct registry_observer observer = {};

static void on_idle(void *userdata) {
}

struct jobs *fake_jobs_new(void) {
        struct exports *exports;
        struct registry *registry;
        struct jobs *jobs;
        struct pool *pool;
        sd_event *event;
        sd_bus *bus;

        assert_int_equal(sd_event_new(&event), 0);
        /* It is never connected, so announcements end in -ENOTCONN. */
        assert_int_equal(sd_bus_new(&bus), 0);
        assert_int_equal(exports_new(&exports, event, bus), 0);
        sd_bus_unref(bus);
        assert_int_equal(pool_new(&pool, event, spawn, ""), 0);
        assert_int_equal(registry_new(&registry, backends, event, exports, pool, &observer, NULL), 0);
        assert_int_equal(jobs_new(&jobs, event, exports, pool, registry, NULL, on_idle, NULL), 0);
        return jobs;
}

void fake_jobs_free(struct jobs *jobs) {
        struct registry *registry = jobs->registry;
        struct exports *exports = jobs->exports;
        struct pool *pool = jobs->pool;
        sd_event *event = jobs->event;

        jobs_free(jobs);
        pool_free(pool);
        registry_free(registry);
        exports_free(exports);
        sd_event_unref(event);
}

void fake_jobs_run(struct jobs *jobs) {
        while (sd_event_run(jobs->event, 0) > 0)
                ;
}

void fake_job_assign(struct job *job) {
        static struct worker worker;

        assert_true(pool_withdraw(job->jobs->pool, &job->work));
        job->work.worker = &worker;
        assert_int_equal(job->work.on_assigned(&job->work), 0);
}

void fake_job_report(struct job *job, struct report *report) {
        struct jobs *jobs = job->jobs;

        job->work.worker = NULL;
        job->work.on_report(&job->work, report);
        fake_jobs_run(jobs);
}
