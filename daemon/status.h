/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemd is told: that the daemon is ready, and what `systemctl status` shows of it. */

#include <systemd/sd-event.h>

struct manager;

/* systemd tells everybody on the bus of each new status: it is told no more often than this. */
#define STATUS_USEC (1 * USEC_PER_SEC)

#define STATUS_SIZE 128

struct status {
        char told[STATUS_SIZE];         /* the last one */
        sd_event_source *timer;         /* runs until another may be told */
        sd_event_source *watchdog;
        uint64_t watchdog_usec;
};

/** status_init() - feed the watchdog from now on, if there is one. Returns 0 or a negative errno. */
int status_init(struct manager *manager);

/** status_done() - the watchdog is fed no more. */
void status_done(struct manager *manager);

/** status_changed() - the number of parents, devices or definitions may have changed: tell it, now or in a while. */
void status_changed(struct manager *manager);

/** status_ready() - the daemon is ready. */
void status_ready(struct manager *manager);

/** status_reloading(), status_reloaded() - it looks at everything again, and is ready again. */
void status_reloading(void);
void status_reloaded(void);

/** status_stopping() - it will end. */
void status_stopping(void);
