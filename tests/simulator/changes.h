/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What one step of the simulated kernel changes, and how others learn of it. */

#include "tests/simulator/sysfs.h"
#include "tests/simulator/udev.h"

typedef struct Changes Changes;
typedef struct Notifier Notifier;

typedef void (*changes_then_t)(void *userdata);

int notifier_new(Notifier **ret, sd_event *event, Tree *tree, Udev *udev);
int notifier_start(Notifier *notifier, Sysfs *sysfs);
Tree *notifier_tree(Notifier *notifier);
Udev *notifier_udev(Notifier *notifier);

Changes *changes_new(Notifier *notifier);
Node *changes_add(Changes *changes, Node *dir, const char *name, const NodeOps *ops, void *owner);
Node *changes_add_link(Changes *changes, Node *dir, const char *name, Node *target);
void changes_remove(Changes *changes, Node **node);
void changes_visit(Changes *changes, const Node *file);
void changes_uevent(Changes *changes, const char *action, const char *subsystem, const Node *device,
                    const char *const *properties);
void changes_commit(Changes *changes, changes_then_t then, void *userdata);
