/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A kind of device that exists in memory alone: both tables of its back end, and workers without processes.
 *
 * It differs from mediated devices wherever a kind of device may differ, and resembles what vendors do without mdev: a
 * parent holds one device, whose directory is the parent's. So a later device has the same path as a former one, and
 * only a number tells them apart. Only a worker can read the types. */

#include "daemon/registry/backend.h"
#include "daemon/workers/worker.h"

#define FAKE_TYPE "fake-1145"

extern const struct backend fake_backend;

/** fake_worker_spawn() - instead of worker_spawn(): the worker's tasks are done by the event loop of this process. */
int fake_worker_spawn(struct pool *pool, sd_event *event, const char *program, struct worker **ret);

/** fake_backend_free() - forget all parents, devices and workers. */
void fake_backend_free(void);

void fake_card_add(const char *name);
void fake_card_remove(const char *name);

/** fake_card_use() - a process opens the parent's device, or closes it. */
void fake_card_use(const char *name, bool in_use);

/** fake_card_set() - somebody else makes the device, or takes it away (@uuid is NULL). */
void fake_card_set(const char *name, const char *uuid);

/** fake_card_attribute() - what was written last to the attribute of the parent's device. */
const char *fake_card_attribute(const char *name);

/** fake_worker_dies() - the next worker that creates a device dies afterwards. */
void fake_worker_dies(void);
