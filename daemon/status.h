/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemd is told: that the daemon is ready, and what `systemctl status` shows of it. */

#include <systemd/sd-event.h>

struct manager;

/* systemd tells everybody on the bus of each new status, and sd_notify() waits when it does not read: so it is told no more
 * often than this. */
#define STATUS_USEC (1 * USEC_PER_SEC)

struct status {
        char text[128];                 /* what was told last */
        sd_event_source *timer;         /* runs until something may be told again */
};

/** status_init() - returns 0 or a negative errno. */
int status_init(struct manager *manager);

/** status_done() - nothing is told after it. */
void status_done(struct manager *manager);

/** status_changed() - the number of parents, devices or definitions may have changed: tell it, now or in a while. */
void status_changed(struct manager *manager);

/** status_ready() - the daemon is ready, or has been reloaded. */
void status_ready(struct manager *manager);

/** status_reloading(), status_stopping() - it will be ready, and it will end. */
void status_reloading(void);
void status_stopping(void);
