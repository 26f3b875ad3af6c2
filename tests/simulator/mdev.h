/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The mediated device core: how devices are made and removed. */

#include "tests/simulator/parent.h"
#include "tests/simulator/vfio.h"

typedef struct Mdev Mdev;

void mdev_create(Type *type, Request *request);
void mdev_remove(Mdev *mdev, driver_then_t then, void *userdata);

Mdev *host_find_mdev(Host *host, const char *uuid);
Mdev *host_next_mdev(Host *host, Mdev *mdev);
Host *mdev_host(const Mdev *mdev);
Parent *mdev_parent(const Mdev *mdev);
Node *mdev_node(const Mdev *mdev);
Group *mdev_group(const Mdev *mdev);
