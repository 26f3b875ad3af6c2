/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The back end of mediated devices. docs/KERNEL.md describes what it works around. */

#include "common/sysfs.h"
#include "worker/backend.h"

extern const struct worker_backend mdev_worker_backend;

/* The members of the same names. */
void mdev_list_types(const struct task *task, struct report *report);
int mdev_create(const struct task *task, struct failure *failure);
void mdev_remove(const struct task *task, const char *path, ino_t inode, struct report *report);
int mdev_compare(const struct task *task, struct failure *failure);
