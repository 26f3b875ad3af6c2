/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Event sources that are made once, and run once each time that they are armed: a timer after some time, a deferred one
 * as soon as nothing of a higher priority is ready. Both are freed with sd_event_source_disable_unref(). */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "common/macro.h"
#include "daemon/base/priorities.h"

/* The usual accuracy of a timer. To libsystemd, 0 means 250 ms. */
#define TIMER_EXACT_USEC 1

/** timer_new() - make a timer that is not armed. @description: a literal, for the log of libsystemd. @accuracy_usec: by
 * how much it may be late, so that timers can end together; not 0. Returns 0 or a negative errno. */
int timer_new(sd_event_source **ret, sd_event *event, const char *description, enum priority priority,
              uint64_t accuracy_usec, sd_event_time_handler_t handler, void *userdata);

/** timer_arm() - have the handler called in @usec µs from now, counted from the beginning of this turn of the event
 * loop. The time of a timer that is armed already is replaced. */
void timer_arm(sd_event_source *timer, uint64_t usec);

/** timer_arm_at() - the same at @usec, in µs of CLOCK_MONOTONIC. */
void timer_arm_at(sd_event_source *timer, uint64_t usec);

/** deferred_new() - make a deferred event source that is not armed. Returns 0 or a negative errno. */
int deferred_new(sd_event_source **ret, sd_event *event, const char *description, enum priority priority,
                 sd_event_handler_t handler, void *userdata);

/** deferred_arm() - have the handler called soon: before all others of its priority. So one that arms itself again and
 * again keeps them waiting, which a timer without time does not. */
void deferred_arm(sd_event_source *deferred);

/** timer_disarm(), timer_is_armed() - of either kind. A handler that runs is not armed any more. */
void timer_disarm(sd_event_source *source);
bool timer_is_armed(sd_event_source *source);
