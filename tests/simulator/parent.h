/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parents and their types: registration, capacity, unregistration. */

#include "tests/simulator/bus.h"
#include "tests/simulator/driver.h"

typedef struct Parent Parent;
typedef struct Registration Registration;
typedef struct Type Type;

struct Type {
        Registration *registration;
        char *name;
        uint64_t cost;          /* of one device, out of the registration's capacity */
        Node *devices;
};

/* All types of a parent share one capacity, as the ports of the kernel's sample mtty: a device takes COUNT's
 * part. */
struct Registration {
        Parent *parent;
        unsigned n_ref;
        uint64_t capacity;
        uint64_t used;
        size_t n_types;
        Type types[];
};

typedef struct ParentOptions {
        uint64_t types_delay;   /* how long after the uevent the types appear */
        bool driver_counts;     /* no instance left is ENOSPC of the driver, not EUSERS of the core */
        bool no_name;
        bool no_description;
} ParentOptions;

/* Parents are never freed: one that has gone keeps its name, its driver's faults, and may register again. */
struct Parent {
        UT_hash_handle hh;
        Host *host;
        char *name;
        char *driver_name;
        Driver driver;
        ParentOptions options;
        const Bus *bus;

        Node *device;
        Node *driver_dir;       /* /sys/bus/mdev/drivers/DRIVER */
        Node *types_dir;        /* mdev_supported_types */
        Registration *registration;
        sd_event_source *types_timer;

        /* The kernel's unreg_sem: creates and removes are inside, unregistering waits for them and lets no more
         * in. */
        unsigned n_inside;
        bool unregistering;
        driver_then_t unregistered;
        void *userdata;

        struct Mdev *mdevs;
};

Parent *host_find_parent(Host *host, const char *name);

int parent_register(Host *host, const Spec *spec, const ParentOptions *options);
int parent_unregister(Parent *parent, driver_then_t then, void *userdata);

bool parent_enter(Parent *parent);
void parent_leave(Parent *parent);

bool type_take(Type *type);
void type_give(Type *type);
Registration *registration_ref(Registration *registration);
Registration *registration_unref(Registration *registration);
