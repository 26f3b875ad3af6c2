/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Timers and deferred event sources. */

#include "daemon/base/timer.h"

#include <assert.h>

static int set_up(sd_event_source *source, const char *description, enum priority priority) {
        int r;

        r = sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(source, priority);
        if (r >= 0)
                r = sd_event_source_set_description(source, description);
        return r;
}

int timer_new(sd_event_source **ret, sd_event *event, const char *description, enum priority priority,
              uint64_t accuracy_usec, sd_event_time_handler_t handler, void *userdata) {
        _cleanup_(sd_event_source_disable_unrefp) sd_event_source *timer = NULL;
        int r;

        assert(description && accuracy_usec > 0);

        r = sd_event_add_time(event, &timer, CLOCK_MONOTONIC, 0, accuracy_usec, handler, userdata);
        if (r >= 0)
                r = set_up(timer, description, priority);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(timer);
        return 0;
}

void timer_arm(sd_event_source *timer, uint64_t usec) {
        if (sd_event_source_set_time_relative(timer, usec) >= 0)
                (void) sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

void timer_arm_at(sd_event_source *timer, uint64_t usec) {
        if (sd_event_source_set_time(timer, usec) >= 0)
                (void) sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

int deferred_new(sd_event_source **ret, sd_event *event, const char *description, enum priority priority,
                 sd_event_handler_t handler, void *userdata) {
        _cleanup_(sd_event_source_disable_unrefp) sd_event_source *deferred = NULL;
        int r;

        assert(description);

        r = sd_event_add_defer(event, &deferred, handler, userdata);
        if (r >= 0)
                r = set_up(deferred, description, priority);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(deferred);
        return 0;
}

void deferred_arm(sd_event_source *deferred) {
        (void) sd_event_source_set_enabled(deferred, SD_EVENT_ONESHOT);
}

void timer_disarm(sd_event_source *source) {
        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

bool timer_is_armed(sd_event_source *source) {
        return sd_event_source_get_enabled(source, NULL) > 0;
}
