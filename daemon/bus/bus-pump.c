/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sd_bus_attach_event() gives a connection up when an allocation fails while a message is received, and a daemon
 * without a bus ends. Here the message is received a moment later. */

#include "daemon/bus/bus-pump.h"

#include <assert.h>
#include <errno.h>

#include "daemon/base/log.h"
#include "daemon/base/timer.h"

/* How long it waits for memory. */
#define AGAIN_USEC (100 * USEC_PER_MSEC)

struct bus_pump {
        sd_bus *bus;
        sd_event *event;
        const struct bus_pump_hooks *hooks;
        void *userdata;
        sd_event_source *io;            /* off while memory is short */
        sd_event_source *timer;         /* for what is queued in the bus and for its timeouts, or for memory */
};

void bus_pump_process(struct bus_pump *pump) {
        int r;

        r = pump->hooks->process(pump->userdata);
        (void) sd_event_source_set_enabled(pump->io, r == -ENOMEM ? SD_EVENT_OFF : SD_EVENT_ON);
        if (r >= 0)
                return;
        if (r == -ENOMEM) {
                log_warning_errno(r, "Failed to read from the bus, trying again: %m");
                timer_arm(pump->timer, AGAIN_USEC);
                return;
        }
        log_error_errno(r, "A connection to the system bus failed, ending: %m");
        (void) sd_event_exit(pump->event, r);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        bus_pump_process(userdata);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        bus_pump_process(userdata);
        return 0;
}

/* Before each wait, unless memory is short: for what, and how long. */
static int on_prepare(sd_event_source *source, void *userdata) {
        struct bus_pump *pump = userdata;
        uint64_t until = 0;
        int r;

        r = sd_bus_get_events(pump->bus);
        if (r >= 0 && pump->hooks->may_read && !pump->hooks->may_read(pump->userdata))
                r = 0;
        if (r >= 0)
                r = sd_event_source_set_io_events(pump->io, (uint32_t) r);
        if (r >= 0)
                r = sd_bus_get_timeout(pump->bus, &until);
        if (r > 0)
                timer_arm_at(pump->timer, until);
        else
                timer_disarm(pump->timer);
        if (r < 0)
                (void) sd_event_exit(pump->event, r);
        return 0;
}

int bus_pump_new(struct bus_pump **ret, sd_bus *bus, sd_event *event, const char *description, enum priority priority,
                 const struct bus_pump_hooks *hooks, void *userdata) {
        _cleanup_(bus_pump_freep) struct bus_pump *pump = NULL;
        int r;

        assert(description && hooks->process);

        pump = calloc(1, sizeof(*pump));
        if (!pump)
                return -ENOMEM;
        *pump = (struct bus_pump) { .bus = bus, .event = event, .hooks = hooks, .userdata = userdata };
        r = timer_new(&pump->timer, event, description, priority, TIMER_EXACT_USEC, on_timer, pump);
        if (r >= 0)
                r = sd_event_add_io(event, &pump->io, sd_bus_get_fd(bus), 0, on_io, pump);
        if (r >= 0)
                r = sd_event_source_set_prepare(pump->io, on_prepare);
        if (r >= 0)
                r = sd_event_source_set_priority(pump->io, priority);
        if (r >= 0)
                r = sd_event_source_set_description(pump->io, description);
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
