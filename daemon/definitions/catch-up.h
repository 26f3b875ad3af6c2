/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls that wait until the daemon has read every file of the store that was written before they were made. */

#include <systemd/sd-event.h>

#include "common/macro.h"

struct call;
struct catch_up;
struct store;

/** catch_up_free() - the calls that wait get no reply. */
struct catch_up *catch_up_free(struct catch_up *catch_up);
DEFINE_CLEANUP_FUNC(struct catch_up *, catch_up_free)

/** catch_up_new() - returns 0 or a negative errno. */
int catch_up_new(struct catch_up **ret, sd_event *event, struct store *store);

/** catch_up() - for a handler, before it does anything else. Returns 0 when the daemon has read every file that was
 * written before @call was sent, and the handler goes on. Returns 1 when the call is held, and its handler is entered
 * once more later. Returns a negative errno when it cannot wait, -EACCES where @call is NULL. */
int catch_up(struct catch_up *catch_up, struct call *call);

/** catch_up_store_looked() - for the store: all files of one list have been looked at. */
void catch_up_store_looked(struct catch_up *catch_up);
