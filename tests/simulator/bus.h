/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where in /sys a parent is, and what its bus and its driver show of it. */

#include "tests/simulator/host.h"
#include "tests/simulator/spec.h"

typedef struct Bus {
        const char *name;               /* as uevents have it, or NULL: the name of the driver, which is a class */
        const char *directory;          /* below /sys/devices, or NULL: it depends on the parent */
        bool stays;                     /* whether the device is there without its driver */
        const char *mdev_driver;        /* the driver of its mediated devices, or NULL: named like the parent's */
        const char *device_api;
        const char *type_name;          /* or NULL: made of the type */
} Bus;

extern const Bus bus_matrix;

int bus_find(const Spec *spec, const Bus **ret);
Node *bus_make_directory(const Bus *bus, Changes *changes, Host *host, const char *name, const char *driver);
Node *bus_make_subsystem(const Bus *bus, Changes *changes, Host *host, const char *driver);
int bus_show_uevent(const Bus *bus, const char *name, const char *driver, char *content);
void bus_add_files(const Bus *bus, Changes *changes, Node *device);
