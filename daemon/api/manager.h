/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Everything that a method may need: the objects of all folders. daemon/manager.c makes them and connects them. Outside
 * of this folder, manager.c, status.c and main.c, nothing knows struct manager: a module that needs one of the objects
 * gets it when it is made. */

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

struct authorizations;
struct autostart;
struct catch_up;
struct device_query;
struct exports;
struct jobs;
struct monitor;
struct peers;
struct pool;
struct registry;
struct scheduler;
struct status;
struct store;
struct types_query;

struct manager {
        sd_event *event;
        sd_bus *bus;
        struct autostart *autostart;
        struct exports *exports;
        struct jobs *jobs;
        struct monitor *monitor;
        struct peers *peers;
        struct pool *pool;
        struct registry *registry;
        struct scheduler *scheduler;
        struct store *store;
        void (*reload)(struct manager *manager);        /* looks at the kernel and the store again, for Reload */

        struct authorizations *authorizations;
        struct device_query *device_queries;
        struct types_query *types_queries;
        struct catch_up *catch_up;
        bool draining;
        struct status *status;
};
