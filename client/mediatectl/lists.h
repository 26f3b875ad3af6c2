/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the daemon lists. Texts point into its replies, which are kept. */

#include <systemd/sd-bus.h>

#include "common/macro.h"

struct client;

struct listed_device {
        const char *uuid, *parent, *type, *state;
        int defined;
        const char *path;
};

struct listed_definition {
        const char *uuid, *parent, *type, *start;
        int active;
        const char *path;
};

struct listed_parent {
        const char *name, *syspath, *path;
};

struct listed_type {
        const char *parent, *type, *name, *device_api;
        uint32_t available;             /* or AVAILABLE_INSTANCES_UNKNOWN */
        const char *description;
};

struct listed_job {
        uint64_t id;
        const char *uuid, *kind, *state, *path;
};

/* Each is fetched when it is first asked for, and sorted. */
#define DEFINE_LIST(type)                \
        struct type##_list {             \
                sd_bus_message *reply;   \
                struct type *items;      \
                size_t n;                \
        }
DEFINE_LIST(listed_device);
DEFINE_LIST(listed_definition);
DEFINE_LIST(listed_parent);
DEFINE_LIST(listed_type);
DEFINE_LIST(listed_job);

struct lists {
        struct listed_device_list devices;
        struct listed_definition_list definitions;
        struct listed_parent_list parents;
        struct listed_type_list types;
        struct listed_job_list jobs;
};

/** lists_devices() - all devices, by parent and UUID. All of these return a status. */
int lists_devices(struct client *client);

/** lists_definitions() - all definitions, by parent and UUID. */
int lists_definitions(struct client *client);

/** lists_parents() - all parents, by name. */
int lists_parents(struct client *client);

/** lists_types() - all types, or with a @parent only its types, by parent and name. */
int lists_types(struct client *client, const char *parent);

/** lists_jobs() - all unfinished jobs, in order. */
int lists_jobs(struct client *client);

/** lists_clear() - forget everything. */
void lists_clear(struct lists *lists);
