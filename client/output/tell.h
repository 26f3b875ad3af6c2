/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* mediatectl's messages on standard error. */

#include <systemd/sd-bus.h>

#include "client/shared/status.h"
#include "common/macro.h"

/** tell() - print a line on standard error. */
void tell(const char *format, ...) _printf_(1, 2);

/** tell_status() - print the same. Returns @status. */
int tell_status(int status, const char *format, ...) _printf_(2, 3);

/** tell_shows_notes() - whether notes are printed, which are for a person: if standard error is a terminal. */
bool tell_shows_notes(void);

/** tell_note() - print a line for a person, without the name of the program, if standard error is a terminal. */
void tell_note(const char *format, ...) _printf_(1, 2);

/** tell_usage() - print what is wrong with the command line, and where the help is. Returns STATUS_USAGE. */
int tell_usage(const char *format, ...) _printf_(1, 2);

/** error_text() - an error in words for a person: its own message or better ones, never the bare D-Bus name. The text
 * is valid as long as the error is. */
const char *error_text(const sd_bus_error *error);

/** error_status() - the exit status for an error, by its name. */
enum status error_status(const sd_bus_error *error);

/** tell_error() - print an error. Returns error_status(). */
int tell_error(const sd_bus_error *error);
