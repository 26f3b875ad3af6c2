/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* VFIO groups and devices: what a device's user opens. */

#include "tests/simulator/host.h"

typedef struct Group Group;

typedef void (*group_then_t)(void *userdata);

void vfio_init(Host *host);

/* What a driver adds to what VFIO does. */
typedef struct GroupUser {
        int (*open)(void *userdata);    /* a negative errno refuses the device */
        void (*closed)(void *userdata);
        bool no_group;                  /* as in a kernel without CONFIG_VFIO_GROUP */
        bool has_cdev;                  /* as in a kernel with CONFIG_VFIO_DEVICE_CDEV */
} GroupUser;

Group *group_new(Host *host, Changes *changes, Node *device);
void group_register(Group *group, Changes *changes, const GroupUser *user, void *userdata);
void group_unregister(Group *group, Changes *changes);
Group *group_free(Group *group, Changes *changes);
bool group_is_in_use(const Group *group);
void group_leave(Group *group, group_then_t then, void *userdata);
pid_t group_opener(const Group *group);
void group_when_closed(Group *group, group_then_t then, void *userdata);
