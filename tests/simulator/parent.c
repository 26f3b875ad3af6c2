/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parents and their types: registration, capacity, unregistration (kernel: mdev_register_parent() and
 * mdev_unregister_parent() of drivers/vfio/mdev/mdev_core.c). */

#include <errno.h>

#include "tests/simulator/ap-bus.h"
#include "tests/simulator/mdev.h"
#include "tests/simulator/parent.h"

Parent *host_find_parent(Host *host, const char *name) {
        Parent *parent;

        HASH_FIND_STR(host->parents, name, parent);
        return parent;
}

Registration *registration_ref(Registration *registration) {
        registration->n_ref++;
        return registration;
}

Registration *registration_unref(Registration *registration) {
        if (!registration || --registration->n_ref > 0)
                return NULL;

        for (size_t i = 0; i < registration->n_types; i++)
                free(registration->types[i].name);
        free(registration);
        return NULL;
}

static int spec_capacity(const Spec *spec, uint64_t *ret) {
        int r = 0;

        *ret = 1;
        for (size_t i = 0; r >= 0 && i < spec->n_types; i++)
                if (spec->types[i].count > 0)
                        r = spec_extend_capacity(ret, spec->types[i].count);
        return r;
}

static int registration_new(Registration **ret, Parent *parent, const Spec *spec) {
        Registration *registration;
        uint64_t capacity;
        int r;

        r = spec_capacity(spec, &capacity);
        if (r < 0)
                return r;

        registration = must(calloc(1, sizeof(Registration) + spec->n_types * sizeof(Type)));
        *registration = (Registration) {
                .parent = parent,
                .n_ref = 1,
                .capacity = capacity,
                .n_types = spec->n_types,
        };
        for (size_t i = 0; i < spec->n_types; i++)
                registration->types[i] = (Type) {
                        .registration = registration,
                        .name = must(strdup(spec->types[i].name)),
                        .cost = spec->types[i].count > 0 ? capacity / spec->types[i].count : capacity + 1,
                };

        *ret = registration;
        return 0;
}

bool type_take(Type *type) {
        Registration *registration = type->registration;

        if (type->cost > registration->capacity - registration->used)
                return false;

        registration->used += type->cost;
        return true;
}

void type_give(Type *type) {
        type->registration->used -= type->cost;
}

static int available_instances_show(Node *node, char *content) {
        Type *type = node->owner;
        Registration *registration = type->registration;

        return sprintf(content, "%llu\n",
                       (unsigned long long) ((registration->capacity - registration->used) / type->cost));
}

static int device_api_show(Node *node, char *content) {
        Type *type = node->owner;

        return sprintf(content, "%s\n", type->registration->parent->bus->device_api);
}

static int name_show(Node *node, char *content) {
        Type *type = node->owner;
        const char *name = type->registration->parent->bus->type_name;

        if (name)
                return sprintf(content, "%s\n", name);
        return snprintf(content, NODE_CONTENT_MAX, "Simulated %s\n", type->name);
}

static int description_show(Node *node, char *content) {
        Type *type = node->owner;

        return sprintf(content, "max_instance=%llu\n",
                       (unsigned long long) (type->registration->capacity / type->cost));
}

static void on_read(void *userdata) {
        Request *request = userdata;
        Type *type = request->node->parent ? request->node->owner : NULL;
        int r;

        r = type ? driver_take_failure(&type->registration->parent->driver, request->node->name) : -ENODEV;
        if (r < 0)
                request_finish(request, r);
        else
                request_show(request);
}

static void type_read(Node *node, Request *request) {
        Type *type = node->owner;

        driver_run(&type->registration->parent->driver, OPERATION_READ, on_read, request);
}

static void create_write(Node *node, Request *request) {
        mdev_create(node->owner, request);
}

static const NodeOps create_ops = {
        .mode = S_IFREG | 0200,
        .new_inode_at_lookup = true,
        .write = create_write,
};
static const NodeOps available_instances_ops = {
        .mode = S_IFREG | 0444,
        .show = available_instances_show,
        .read = type_read,
};
static const NodeOps device_api_ops = {.mode = S_IFREG | 0444, .show = device_api_show, .read = type_read};
static const NodeOps name_ops = {.mode = S_IFREG | 0444, .show = name_show, .read = type_read};
static const NodeOps description_ops = {.mode = S_IFREG | 0444, .show = description_show, .read = type_read};

static void parent_add_type(Parent *parent, Changes *changes, Type *type) {
        Node *dir = changes_add(changes, parent->types_dir, type->name, &node_directory_ops, NULL);

        changes_add(changes, dir, "create", &create_ops, type);
        changes_add(changes, dir, "device_api", &device_api_ops, type);
        if (!parent->options.no_name)
                changes_add(changes, dir, "name", &name_ops, type);
        changes_add(changes, dir, "available_instances", &available_instances_ops, type);
        if (!parent->options.no_description && !parent->bus->type_name)
                changes_add(changes, dir, "description", &description_ops, type);
        type->devices = changes_add(changes, dir, "devices", &node_directory_ops, NULL);
}

static void parent_add_types(Parent *parent, Changes *changes) {
        for (size_t i = 0; i < parent->registration->n_types; i++)
                parent_add_type(parent, changes, &parent->registration->types[i]);
}

/* Types that a vendor's service makes some time after the driver registered: no uevent tells of them. */
static int on_types_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Parent *parent = userdata;
        Changes *changes = changes_new(parent->host->notifier);

        parent->types_timer = sd_event_source_unref(parent->types_timer);
        parent_add_types(parent, changes);
        changes_commit(changes, NULL, NULL);
        return 0;
}

static int uevent_show(Node *node, char *content) {
        Parent *parent = node->owner;

        return bus_show_uevent(parent->bus, parent->name, parent->registration ? parent->driver_name : NULL, content);
}

static void parent_uevent(Parent *parent, Changes *changes, const char *action, const char *property) {
        const char *properties[] = {property, NULL};

        changes_uevent(changes, action, parent->bus->name ? parent->bus->name : parent->driver_name, parent->device,
                       properties);
}

static void on_uevent_read(void *userdata) {
        request_show(userdata);
}

static void uevent_read(Node *node, Request *request) {
        Parent *parent = node->owner;

        driver_run(&parent->driver, OPERATION_UEVENT, on_uevent_read, request);
}

/* What `udevadm trigger` writes: the plain action, without MDEV_STATE. */
static void uevent_write(Node *node, Request *request) {
        Parent *parent = node->owner;
        Changes *changes = changes_new(parent->host->notifier);

        request->data[strcspn(request->data, " \n")] = '\0';
        parent_uevent(parent, changes, request->data, "SYNTH_UUID=0");
        changes_commit(changes, NULL, NULL);
        request_finish(request, 0);
}

static const NodeOps uevent_ops = {
        .mode = S_IFREG | 0644,
        .show = uevent_show,
        .read = uevent_read,
        .write = uevent_write,
};

/* The link to the physical function, which need not be a parent. */
static void parent_add_card(Parent *parent, Changes *changes, const char *card) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "pci%.7s/%s", card, card);
        changes_add_link(changes, parent->device, "physfn", changes_make_path(changes, parent->host->devices, path));
}

static void parent_add_device(Parent *parent, Changes *changes) {
        const Bus *bus = parent->bus;
        Host *host = parent->host;
        Node *directory, *subsystem;

        directory = bus_make_directory(bus, changes, host, parent->name, parent->driver_name);
        subsystem = bus_make_subsystem(bus, changes, host, parent->driver_name);

        parent->device = changes_add(changes, directory, parent->name, &node_directory_ops, parent);
        changes_add(changes, parent->device, "uevent", &uevent_ops, parent);
        changes_add(changes, parent->device, "power", &power_directory_ops, host);
        changes_add_link(changes, parent->device, "subsystem", subsystem);
        bus_add_files(bus, changes, parent->device);
        if (bus->name)
                subsystem = changes_make_path(changes, subsystem, "devices");
        changes_add_link(changes, subsystem, parent->name, parent->device);
        parent_uevent(parent, changes, "add", NULL);
}

/* A device that its driver has made goes with it. */
static void parent_remove_device(Parent *parent, Changes *changes) {
        Node *subsystem;

        changes_find_and_remove(changes, parent->device, "driver");
        if (parent->bus->name)
                parent_uevent(parent, changes, "unbind", NULL);
        if (parent->bus->stays)
                return;

        subsystem = bus_make_subsystem(parent->bus, changes, parent->host, parent->driver_name);
        if (parent->bus->name)
                subsystem = changes_make_path(changes, subsystem, "devices");
        changes_find_and_remove(changes, subsystem, parent->name);
        parent_uevent(parent, changes, "remove", NULL);
        changes_remove(changes, &parent->device);
        if (parent->bus == &bus_matrix)
                changes_find_and_remove(changes, parent->host->devices, parent->bus->directory);
}

static void parent_bind_driver(Parent *parent, Changes *changes) {
        const Bus *bus = parent->bus;
        char path[PATH_MAX];
        Node *drivers;

        parent->driver_dir = changes_make_path(changes, parent->host->bus_mdev_drivers,
                                               bus->mdev_driver ? bus->mdev_driver : parent->driver_name);
        if (!bus->name)
                return;

        snprintf(path, sizeof(path), "drivers/%s", parent->driver_name);
        drivers = bus_make_subsystem(bus, changes, parent->host, parent->driver_name);
        changes_add_link(changes, parent->device, "driver", changes_make_path(changes, drivers, path));
}

static Parent *parent_new(Host *host, const char *name) {
        Parent *parent;

        parent = must(calloc(1, sizeof(Parent)));
        parent->host = host;
        parent->name = must(strdup(name));
        parent->driver.event = host->event;
        HASH_ADD_KEYPTR(hh, host->parents, parent->name, strlen(parent->name), parent);
        return parent;
}

int parent_register(Host *host, const Spec *spec, const ParentOptions *options) {
        Parent *parent = host_find_parent(host, spec->name);
        const Bus *bus;
        Changes *changes;
        int r;

        r = bus_find(spec, &bus);
        if (r >= 0 && parent && parent->device && parent->bus != bus)
                r = -EINVAL;
        if (r < 0)
                return r;
        if (!parent)
                parent = parent_new(host, spec->name);
        if (parent->registration || parent->unregistering)
                return -EEXIST;

        r = registration_new(&parent->registration, parent, spec);
        if (r < 0)
                return r;

        parent->bus = bus;
        parent->options = *options;
        free(parent->driver_name);
        parent->driver_name = must(strdup(spec->driver));

        changes = changes_new(host->notifier);
        if (bus == &bus_matrix)
                ap_bus_add(host, changes);
        if (!parent->device) {
                parent_add_device(parent, changes);
                if (spec->card)
                        parent_add_card(parent, changes, spec->card);
        }
        parent_bind_driver(parent, changes);

        parent->types_dir = changes_add(changes, parent->device, "mdev_supported_types", &node_directory_ops,
                                        NULL);
        if (options->types_delay > 0)
                r = sd_event_add_time_relative(host->event, &parent->types_timer, CLOCK_MONOTONIC,
                                               options->types_delay, 1, on_types_timer, parent);
        else
                parent_add_types(parent, changes);

        changes_add_link(changes, host->class_mdev_bus, parent->name, parent->device);
        parent_uevent(parent, changes, "change", "MDEV_STATE=registered");
        if (parent->bus->name)
                parent_uevent(parent, changes, "bind", NULL);
        changes_commit(changes, NULL, NULL);
        return r;
}

static void parent_unregister_done(void *userdata) {
        Parent *parent = userdata;

        parent->registration = registration_unref(parent->registration);
        parent->unregistering = false;
        parent->unregistered(parent->userdata);
}

/* One device after the other, each as if its `remove` had been written: a device in use delays all that follow. */
static void parent_unregister_next(void *userdata) {
        Parent *parent = userdata;
        Changes *changes;

        if (parent->mdevs) {
                mdev_remove(parent->mdevs, parent_unregister_next, parent);
                return;
        }

        changes = changes_new(parent->host->notifier);
        changes_remove(changes, &parent->types_dir);
        parent_uevent(parent, changes, "change", "MDEV_STATE=unregistered");
        parent_remove_device(parent, changes);
        changes_commit(changes, parent_unregister_done, parent);
}

static void parent_unregister_begin(Parent *parent) {
        Changes *changes = changes_new(parent->host->notifier);

        changes_find_and_remove(changes, parent->host->class_mdev_bus, parent->name);
        changes_commit(changes, parent_unregister_next, parent);
}

int parent_unregister(Parent *parent, driver_then_t then, void *userdata) {
        if (!parent->registration)
                return -ENODEV;
        if (parent->unregistering)
                return -EALREADY;

        parent->unregistering = true;
        parent->unregistered = then;
        parent->userdata = userdata;
        parent->types_timer = sd_event_source_disable_unref(parent->types_timer);
        if (parent->n_inside == 0)
                parent_unregister_begin(parent);
        return 0;
}

bool parent_enter(Parent *parent) {
        if (parent->unregistering)
                return false;

        parent->n_inside++;
        return true;
}

void parent_leave(Parent *parent) {
        if (--parent->n_inside == 0 && parent->unregistering)
                parent_unregister_begin(parent);
}
