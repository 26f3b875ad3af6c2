/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* VFIO groups: what a device's user opens. */

#include "tests/simulator/host.h"

typedef struct Group Group;

typedef void (*group_then_t)(void *userdata);

void vfio_init(Host *host);

Group *group_new(Host *host, Changes *changes, Node *device);
Group *group_free(Group *group, Changes *changes);
void group_leave(Group *group, group_then_t then, void *userdata);
pid_t group_opener(const Group *group);
void group_when_closed(Group *group, group_then_t then, void *userdata);
