/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sd_bus_attach_event() gives a connection up when an allocation fails while a message is received, and a daemon
 * without a bus ends. Here the message is received a moment later. */

#include "daemon/bus/bus-pump.h"

#include <errno.h>

#include "common/io.h"
#include "daemon/base/log.h"

/* How long it waits for memory. */
#define AGAIN_USEC (100 * USEC_PER_MSEC)

struct bus_pump {
        sd_bus *bus;
        sd_event *event;
        sd_event_source *io;
        sd_event_source *timer;         /* for what is queued in the bus, and for its timeouts */
        bool paused;                    /* memory is short */
};

static void process(struct bus_pump *pump) {
        int r;

        r = sd_bus_process(pump->bus, NULL);
        if (r >= 0)
                return;
        if (r != -ENOMEM) {
                log_error_errno(r, "A connection to the system bus failed, ending: %m");
                (void) sd_event_exit(pump->event, r);
                return;
        }
        log_warning_errno(r, "Failed to receive from the bus, trying again: %m");
        pump->paused = true;
        (void) sd_event_source_set_enabled(pump->io, SD_EVENT_OFF);
        (void) sd_event_source_set_time_relative(pump->timer, AGAIN_USEC);
        (void) sd_event_source_set_enabled(pump->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        process(userdata);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct bus_pump *pump = userdata;

        if (pump->paused)
                (void) sd_event_source_set_enabled(pump->io, SD_EVENT_ON);
        pump->paused = false;
        process(pump);
        return 0;
}

/* Before each wait: for what, and how long. */
static int on_prepare(sd_event_source *source, void *userdata) {
        struct bus_pump *pump = userdata;
        uint64_t until = 0;
        int r;

        if (pump->paused)
                return 0;
        r = sd_bus_get_events(pump->bus);
        if (r >= 0)
                r = sd_event_source_set_io_events(pump->io, (uint32_t) r);
        if (r >= 0)
                r = sd_bus_get_timeout(pump->bus, &until);
        if (r > 0)
                (void) sd_event_source_set_time(pump->timer, until);
        if (r >= 0)
                r = sd_event_source_set_enabled(pump->timer, r > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
        if (r < 0)
                (void) sd_event_exit(pump->event, r);
        return 0;
}

int bus_pump_new(struct bus_pump **ret, sd_bus *bus, sd_event *event, int64_t priority) {
        _cleanup_(bus_pump_freep) struct bus_pump *pump = NULL;
        int r;

        pump = calloc(1, sizeof(*pump));
        if (!pump)
                return -ENOMEM;
        *pump = (struct bus_pump) { .bus = bus, .event = event };
        r = sd_event_add_time(event, &pump->timer, CLOCK_MONOTONIC, 0, 1, on_timer, pump);
        if (r >= 0)
                r = sd_event_source_set_enabled(pump->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(pump->timer, priority);
        if (r >= 0)
                r = sd_event_add_io(event, &pump->io, sd_bus_get_fd(bus), 0, on_io, pump);
        if (r >= 0)
                r = sd_event_source_set_prepare(pump->io, on_prepare);
        if (r >= 0)
                r = sd_event_source_set_priority(pump->io, priority);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(pump);
        return 0;
}

struct bus_pump *bus_pump_free(struct bus_pump *pump) {
        if (!pump)
                return NULL;

        sd_event_source_disable_unref(pump->timer);
        sd_event_source_disable_unref(pump->io);
        free(pump);
        return NULL;
}
