/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The order in which the event loop handles what is ready. */

#include <systemd/sd-event.h>

enum priority {
        /* The watchdog is fed however much else there is to do. */
        PRIORITY_WATCHDOG = SD_EVENT_PRIORITY_IMPORTANT,

        /* Reports of workers, and the jobs and tasks that can begin after them: somebody waits for these. */
        PRIORITY_RESULTS = SD_EVENT_PRIORITY_NORMAL - 10,

        /* The end of a worker comes after its last report, which may be of finished work. */
        PRIORITY_WORKER_ENDS = SD_EVENT_PRIORITY_NORMAL - 5,

        /* What the bus says about a connection comes before the calls, which wait for that. */
        PRIORITY_PEERS = SD_EVENT_PRIORITY_NORMAL - 5,

        /* Calls, uevents, changes of files, and most timers. They take turns. */
        PRIORITY_REQUESTS = SD_EVENT_PRIORITY_NORMAL,

        /* Signals on the bus come last: a caller has its reply before them. */
        PRIORITY_ANNOUNCEMENTS = SD_EVENT_PRIORITY_IDLE,
};
