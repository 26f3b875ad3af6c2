/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manager.Dump: all devices and definitions at once. */

#include <systemd/sd-bus.h>

#include "common/macro.h"

struct dumps;
struct manager;

/** dumps_free() - those that wait get no reply. */
struct dumps *dumps_free(struct dumps *dumps);
DEFINE_CLEANUP_FUNC(struct dumps *, dumps_free)

/** dumps_new() - Returns 0 or a negative errno. */
int dumps_new(struct dumps **ret, struct manager *manager);

/** dump_start() - answer with a memfd of records (common/record.h) as soon as the store has looked at every file that was
 * changed before now. Returns 0 or a negative errno. */
int dump_start(struct dumps *dumps, sd_bus_message *message);

/** dump_store_looked() - the store has been through a list of changed files: some may be answered now. */
void dump_store_looked(struct dumps *dumps);
