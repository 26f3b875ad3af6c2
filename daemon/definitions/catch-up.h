/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls that wait until the daemon has seen every file of the store that was written before they were made. */

#include <systemd/sd-event.h>

#include "common/macro.h"

struct call;
struct catch_up;
struct store;

/** catch_up_free() - those that wait get no reply. Returns NULL. */
struct catch_up *catch_up_free(struct catch_up *catch_up);
DEFINE_CLEANUP_FUNC(struct catch_up *, catch_up_free)

/** catch_up_new() - returns 0 or a negative errno. */
int catch_up_new(struct catch_up **ret, sd_event *event, struct store *store);

/** catch_up() - for a handler, before it does anything else. Returns 0 when the daemon has looked at every file that
 * was written before @call was sent: the handler goes on. Returns 1 when it held the call: the handler is entered
 * once more later. Or a negative errno, -EACCES without a call. */
int catch_up(struct catch_up *catch_up, struct call *call);

/** catch_up_store_looked() - the store has looked at all files of one list. */
void catch_up_store_looked(struct catch_up *catch_up);
