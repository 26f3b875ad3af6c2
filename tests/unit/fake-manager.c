/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A manager that is put together by hand. */

#include "tests/unit/fake-manager.h"

#include "daemon/api/manager.h"
#include "daemon/bus/export.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/jobs.h"
#include "daemon/manager.h"
#include "daemon/registry/mdev.h"
#include "daemon/registry/registry.h"
#include "daemon/workers/pool.h"
#include "tests/unit/test.h"

static const struct backend *const backends[] = { &mdev_backend, NULL };

static const struct registry_observer registry_observer = {};
static const struct store_observer store_observer = {};

static void on_idle(void *userdata) {
}

struct manager *fake_manager_new(void) {
        struct manager *manager = calloc(1, sizeof(*manager));

        assert_int_equal(sd_event_new(&manager->event), 0);
        /* Never connected: announcements end in -ENOTCONN. */
        assert_int_equal(sd_bus_new(&manager->bus), 0);
        assert_int_equal(exports_new(&manager->exports, manager->event, manager->bus), 0);
        assert_int_equal(pool_new(&manager->pool, manager->event, worker_spawn, "/nonexistent"), 0);
        assert_int_equal(registry_new(&manager->registry, backends, manager->event, manager->exports,
                                      manager->pool, &registry_observer, NULL), 0);
        assert_int_equal(store_new(&manager->store, manager->event, manager->exports, manager->registry,
                                   &store_observer, NULL), 0);
        assert_int_equal(jobs_new(&manager->jobs, manager->event, manager->exports, manager->pool, manager->registry,
                                  manager->store, on_idle, NULL), 0);
        return manager;
}

void fake_manager_free(struct manager *manager) {
        manager_free(manager);
}
