/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemd is told: that the daemon is ready, and what `systemctl status` shows of it. */

#include "common/macro.h"

struct manager;
struct status;

/** status_free() - the watchdog is not fed any more. Returns NULL. */
struct status *status_free(struct status *status);
DEFINE_CLEANUP_FUNC(struct status *, status_free)

/** status_new() - feed the watchdog from now on, if there is one. Returns 0 or a negative errno. */
int status_new(struct status **ret, struct manager *manager);

/** status_changed() - the number of parents, devices or definitions may have changed: tell systemd, now or in a
 * while. */
void status_changed(struct manager *manager);

/** status_ready() - the daemon is ready. */
void status_ready(struct manager *manager);

/** status_reloading(), status_reloaded() - it looks at everything again, and is ready again. */
void status_reloading(void);
void status_reloaded(void);

/** status_stopping() - it will end. */
void status_stopping(void);
