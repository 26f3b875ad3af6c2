/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manager.Dump: all devices and definitions at once. */

#include <systemd/sd-bus.h>

struct manager;
struct store;

/** dump_start() - answer with a memfd of records (common/record.h) as soon as the store has looked at every file that was
 * changed before now. Returns 0 or a negative errno. */
int dump_start(struct manager *manager, sd_bus_message *message);

/** dump_store_looked() - the store has been through a list of changed files: some may be answered now. */
void dump_store_looked(struct manager *manager);

/** dump_free_all() - forget all that wait, without a reply. */
void dump_free_all(struct manager *manager);
