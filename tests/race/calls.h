/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The calls that the clients of these tests make: as messages, or waiting for the answer. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#define CALL_NAME "org.mediated1"
#define CALL_PATH "/org/mediated1"
#define CALL_MANAGER "org.mediated1.Manager"

/** call_new_create() - CreateDevice, without attributes and options. Returns 0 or a negative errno. */
int call_new_create(sd_bus *bus, sd_bus_message **ret, const char *uuid, const char *parent, const char *type);

/** call_new_stop() - StopDevice, with the option `wait` if asked for. Returns 0 or a negative errno. */
int call_new_stop(sd_bus *bus, sd_bus_message **ret, const char *uuid, bool wait);

/** call_create() - CreateDevice. Returns 0 or a negative errno, with what was answered in @ret_error. */
int call_create(sd_bus *bus, const char *uuid, const char *parent, const char *type, sd_bus_error *ret_error);

/** call_stop() - StopDevice, with the option `wait` if asked for. Returns as call_create(). */
int call_stop(sd_bus *bus, const char *uuid, bool wait, sd_bus_error *ret_error);

/** call_start() - StartDevice on the parent, which may be empty. Returns as call_create(). */
int call_start(sd_bus *bus, const char *uuid, const char *parent, sd_bus_error *ret_error);

/** error_is() - whether the error is that one of mediated's, by the last part of its name. */
bool error_is(const sd_bus_error *error, const char *name);
