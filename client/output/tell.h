/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What goes wrong, told on standard error. */

#include <systemd/sd-bus.h>

#include "client/shared/status.h"
#include "common/macro.h"

/** tell() - one line on standard error. */
void tell(const char *format, ...) _printf_(1, 2);

/** tell_status() - tell() that returns @status. */
int tell_status(int status, const char *format, ...) _printf_(2, 3);

/** tell_usage() - the command line is wrong. Returns STATUS_USAGE. */
int tell_usage(const char *format, ...) _printf_(1, 2);

/** error_text() - what a person should read: the error's own message, never the bare D-Bus name. Valid as long as the
 * error is. */
const char *error_text(const sd_bus_error *error);

/** error_status() - the exit status that belongs to an error's name. */
enum status error_status(const sd_bus_error *error);

/** tell_error() - tell an error. Returns error_status(). */
int tell_error(const sd_bus_error *error);
