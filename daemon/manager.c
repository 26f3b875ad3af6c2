/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's life: start, drain, end. */

#include "daemon/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "common/bus-names.h"
#include "common/fault-point.h"
#include "common/intent.h"
#include "common/io.h"
#include "common/root.h"
#include "daemon/api/answer-size.h"
#include "daemon/api/device-query.h"
#include "daemon/api/manager-bus.h"
#include "daemon/api/manager.h"
#include "daemon/api/types-query.h"
#include "daemon/autostart/autostart-job.h"
#include "daemon/base/log.h"
#include "daemon/bus/export.h"
#include "daemon/definitions/catch-up.h"
#include "daemon/definitions/store.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/kind-of-definitions.h"
#include "daemon/jobs/queue.h"
#include "daemon/jobs/recovery.h"
#include "daemon/jobs/settle.h"
#include "daemon/jobs/waiting.h"
#include "daemon/peers/authorization.h"
#include "daemon/peers/peer.h"
#include "daemon/peers/scheduler.h"
#include "daemon/registry/device.h"
#include "daemon/registry/mdev.h"
#include "daemon/registry/monitor.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/vgpu.h"
#include "daemon/status.h"
#include "daemon/workers/pool.h"

/* DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER of the D-Bus specification; that somebody else has the name is no error
 * there. */
#define REQUEST_NAME_REPLY_PRIMARY_OWNER 1U

/* A manager that is stopping ends with the last job. */
static void on_idle(void *userdata) {
        struct manager *manager = userdata;

        if (manager->draining)
                (void) sd_event_exit(manager->event, 0);
}

static int on_drained(sd_event_source *source, uint64_t usec, void *userdata) {
        struct manager *manager = userdata;

        log_info("%u jobs did not finish in time, leaving them to the kernel", jobs_count(manager->jobs));
        jobs_answer(manager->jobs);
        return sd_event_exit(manager->event, 0);
}

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        struct manager *manager = userdata;

        if (manager->draining)
                return 0;

        status_stopping();
        manager->draining = true;
        autostart_stop(manager->autostart);
        scheduler_drain(manager->scheduler);
        authorizations_close(manager->authorizations);
        jobs_drain(manager->jobs);
        (void) sd_event_add_time_relative(manager->event, NULL, CLOCK_MONOTONIC, MANAGER_DRAIN_USEC, 1, on_drained,
                                          manager);
        if (jobs_count(manager->jobs) == 0)
                on_idle(manager);
        return 0;
}

static int setup_event(struct manager *manager) {
        static const int stop_signals[] = { SIGTERM, SIGINT };
        sigset_t mask;
        int r;

        r = sd_event_default(&manager->event);
        if (r < 0)
                return r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        for (size_t i = 0; i < ELEMENTSOF(stop_signals); i++)
                sigaddset(&mask, stop_signals[i]);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTSOF(stop_signals); i++) {
                r = sd_event_add_signal(manager->event, NULL, stop_signals[i], on_stop_signal, manager);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Nobody can ask for anything any more, nor be answered. The next daemon has a bus, and cleans up what was under
 * way. */
static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct manager *manager = userdata;

        log_error_errno(-ECONNRESET, "The system bus is gone, ending: %m");
        return sd_event_exit(manager->event, -ECONNRESET);
}

/* The order in which others hear of a change. What people wait for comes before autostart: it looks for their jobs, and
 * leaves free instances to those. */

static void on_parent_here(struct parent *parent, void *userdata) {
        struct manager *manager = userdata;

        store_parent_changed(manager->store, parent->name);
        kind_of_definitions_name_all(manager->jobs, parent);
        waiting_wake(manager->jobs, parent->name);
        autostart_parent_here(manager->autostart, parent);
}

static void on_parent_gone(const struct parent *parent, void *userdata) {
        struct manager *manager = userdata;

        store_parent_changed(manager->store, parent->name);
        types_query_check(manager);
        autostart_parent_gone(manager->autostart, parent->name);
}

static void on_types_read(struct parent *parent, void *userdata) {
        struct manager *manager = userdata;

        types_query_check(manager);
        waiting_wake(manager->jobs, parent->name);
        autostart_types_read(manager->autostart, parent);
}

static void on_device_changed(struct device *device, void *userdata) {
        struct manager *manager = userdata;

        queue_kick(manager->jobs, device->uuid);
        store_device_changed(manager->store, device);
        autostart_device_changed(manager->autostart, device);
}

static void on_device_gone(const struct device *device, void *userdata) {
        struct manager *manager = userdata;

        queue_kick(manager->jobs, device->uuid);
        store_device_gone(manager->store, device);
}

static void on_registry_looked(void *userdata) {
        status_changed(userdata);
}

static const struct registry_observer registry_observer = {
        .parent_here = on_parent_here,
        .parent_gone = on_parent_gone,
        .types_read = on_types_read,
        .device_changed = on_device_changed,
        .device_gone = on_device_gone,
        .looked = on_registry_looked,
};

static void on_definition_read(struct stored_definition *definition, void *userdata) {
        struct manager *manager = userdata;

        kind_of_definitions_name(manager->jobs, definition);
        autostart_definition_read(manager->autostart, definition);
}

static void on_definition_gone(struct stored_definition *definition, void *userdata) {
        struct manager *manager = userdata;

        autostart_definition_gone(manager->autostart, definition);
}

static void on_store_looked(void *userdata) {
        struct manager *manager = userdata;

        catch_up_store_looked(manager->catch_up);
        status_changed(manager);
}

static const struct store_observer store_observer = {
        .read = on_definition_read,
        .gone = on_definition_gone,
        .looked = on_store_looked,
};

static void on_uevent(sd_device *event, void *userdata) {
        struct manager *manager = userdata;

        settle_on_uevent(manager->jobs, event);
}

static void reload(struct manager *manager) {
        status_reloading();
        store_scan(manager->store);
        (void) registry_enumerate(manager->registry);
        registry_settle(manager->registry);
        status_reloaded();
        status_changed(manager);
}

static const struct backend *const backends[] = { &mdev_backend, &vgpu_backend, NULL };

int manager_new(struct manager **ret) {
        _cleanup_(manager_freep) struct manager *manager = NULL;
        int r;

        manager = calloc(1, sizeof(*manager));
        if (!manager)
                return -ENOMEM;
        manager->reload = reload;

        r = setup_event(manager);
        if (r < 0)
                return log_error_errno(r, "Failed to set up the event loop: %m");
        r = intent_make_directory();
        if (r < 0)
                return log_error_errno(r, "Failed to make /" INTENT_DIRECTORY ": %m");

        r = sd_bus_open_system(&manager->bus);
        if (r < 0)
                return log_error_errno(r, "Failed to connect to the system bus: %m");
        r = sd_bus_match_signal(manager->bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, manager);
        if (r < 0)
                return log_error_errno(r, "Failed to watch the connection to the system bus: %m");
        r = status_new(&manager->status, manager);
        if (r < 0)
                return log_error_errno(r, "Failed to set up the status for systemd: %m");
        r = exports_new(&manager->exports, manager->event, manager->bus);
        if (r < 0)
                return r;
        r = peers_new(&manager->peers);
        if (r >= 0)
                r = peers_connect(manager->peers, manager->event, on_disconnected, manager);
        if (r < 0)
                return log_error_errno(r, "Failed to connect to the system bus once more: %m");
        r = scheduler_new(&manager->scheduler, manager->event, manager->bus, manager->peers, answer_size_check,
                          manager);
        if (r < 0)
                return r;
        r = authorizations_new(&manager->authorizations, manager->event, manager->bus, manager->scheduler);
        if (r < 0)
                return r;
        r = pool_new(&manager->pool, manager->event, worker_spawn, LIBEXECDIR "/mediated-worker");
        if (r < 0)
                return log_error_errno(r, "Failed to set up the pool of workers: %m");
        r = registry_new(&manager->registry, backends, manager->event, manager->exports, manager->pool,
                         &registry_observer, manager);
        if (r < 0)
                return r;
        r = store_new(&manager->store, manager->event, manager->exports, manager->registry, &store_observer, manager);
        if (r < 0)
                return r;
        r = jobs_new(&manager->jobs, manager->event, manager->exports, manager->pool, manager->registry, manager->store,
                     on_idle, manager);
        if (r < 0)
                return r;
        r = autostart_new(&manager->autostart, manager->event, manager->registry, &autostart_job_hooks, manager->jobs);
        if (r < 0)
                return r;
        r = catch_up_new(&manager->catch_up, manager->event, manager->store);
        if (r < 0)
                return r;
        /* Listening before looking: what happens in between is seen twice, not missed. */
        r = monitor_new(&manager->monitor, manager->event, manager->registry, on_uevent, manager);
        if (r < 0)
                return log_error_errno(r, "Failed to listen to udev: %m");

        *ret = TAKE_PTR(manager);
        return 0;
}

static int on_name_requested(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct manager *manager = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(message);
        uint32_t reply = 0;

        if (error)
                log_error_errno(-EACCES, "Failed to take the bus name " BUS_NAME ": %s", error->message);
        else if (sd_bus_message_read(message, "u", &reply) < 0 || reply != REQUEST_NAME_REPLY_PRIMARY_OWNER)
                log_error_errno(-EEXIST, "Failed to take the bus name " BUS_NAME ": another mediated has it");
        if (reply != REQUEST_NAME_REPLY_PRIMARY_OWNER)
                return sd_event_exit(manager->event, -EEXIST);

        status_ready(manager);
        FAULT_POINT("ready");
        return 0;
}

static int look_at_all(struct manager *manager) {
        int r;

        exports_set_quiet(manager->exports, true);
        /* Definitions before parents: autostart begins when it sees a parent. */
        store_scan(manager->store);
        r = registry_enumerate(manager->registry);
        if (r < 0)
                return r;
        registry_settle(manager->registry);
        exports_set_quiet(manager->exports, false);
        return 0;
}

int manager_adopt(struct manager *manager) {
        unsigned int n;
        int r;

        autostart_stop(manager->autostart);
        r = look_at_all(manager);
        if (r < 0)
                return r;
        r = autostart_adopt(manager->autostart, &n);
        if (r < 0)
                return log_error_errno(r, "Failed to mark the definitions as started: %m");
        log_info("Definitions with start auto that are marked as started: %u. They start at the next boot", n);
        return 0;
}

/* Not sd_bus_flush(), which waits for ever for a bus that takes no more because others do not read. */
static void flush_bus(sd_bus *bus) {
        uint64_t end = now_usec() + MANAGER_FLUSH_USEC, now, n;
        int r;

        while ((now = now_usec()) < end && sd_bus_get_n_queued_write(bus, &n) >= 0 && n > 0) {
                r = sd_bus_process(bus, NULL);
                if ((r < 0 && r != -ENOMEM) || sd_bus_wait(bus, end - now) < 0)
                        return;
        }
}

int manager_run(struct manager *manager) {
        int r;

        /* First of all: whatever is asked for these UUIDs must queue behind what is to be cleaned up. */
        r = recovery_start(manager->jobs, autostart_interrupted, manager->autostart);
        if (r < 0)
                return r;
        r = look_at_all(manager);
        if (r < 0)
                return r;
        store_clean(&manager->jobs->store_clean);

        r = manager_bus_attach(manager);
        if (r < 0)
                return log_error_errno(r, "Failed to put objects on the bus: %m");
        r = sd_bus_request_name_async(manager->bus, NULL, BUS_NAME, 0, on_name_requested, manager);
        if (r < 0)
                return log_error_errno(r, "Failed to ask for the bus name: %m");

        r = sd_event_loop(manager->event);
        exports_flush(manager->exports);
        flush_bus(manager->bus);
        return r;
}

struct manager *manager_free(struct manager *manager) {
        if (!manager)
                return NULL;

        types_query_free_all(manager);
        device_query_free_all(manager);
        manager->catch_up = catch_up_free(manager->catch_up);
        jobs_free(manager->jobs);
        manager->authorizations = authorizations_free(manager->authorizations);
        peers_free(manager->peers);
        scheduler_free(manager->scheduler);
        monitor_free(manager->monitor);
        pool_free(manager->pool);
        autostart_free(manager->autostart);
        store_free(manager->store);
        registry_free(manager->registry);
        manager->status = status_free(manager->status);
        exports_free(manager->exports);
        sd_bus_close_unref(manager->bus);
        sd_event_unref(manager->event);
        free(manager);
        return NULL;
}
