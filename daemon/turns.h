/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Turns: of several connections that want something, each has one call handled, then the next one, so that who asks for
 * much does not hold up who asks for little. Calls of one connection stay in their order. */

#include <systemd/sd-bus.h>

#include "common/macro.h"

struct manager;
struct turns;

/* Calls of one connection that wait for their turn. dbus-daemon allows it 128 unanswered ones; more are only to be had by
 * calls that want no answer; these are dropped, and so is at once whatever only asks and wants none. */
#define TURNS_CALLS_MAX 128

/* All calls that wait, and those of them that are larger than TURNS_CALL_SIZE: what waits has a bound in bytes, too. */
#define TURNS_MAX 16384
#define TURNS_LARGE_MAX 64
#define TURNS_CALL_SIZE (4 * 1024)

struct turns *turns_free(struct turns *turns);
DEFINE_CLEANUP_FUNC(struct turns *, turns_free)

/** turns_send_on() - have a message that was put aside come by once more. Returns 0 or a negative errno. */
int turns_send_on(struct turns *turns, sd_bus_message *message);

/** turns_new() - from now on calls that come in wait for their turn. To be attached after whatever else looks at messages
 * before their handlers: it sees them first. Returns 0 or a negative errno. */
int turns_new(struct turns **ret, struct manager *manager);
