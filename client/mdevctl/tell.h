/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What mdevctl says. Programs read the line on standard error that begins with "Error: ". They get each text as it is,
 * to the byte; a terminal gets no control characters that others have chosen. */

#include <stdarg.h>
#include <stdlib.h>

#include "common/macro.h"

/** mdevctl_put() - write a name or another text that others have chosen to standard output. */
void mdevctl_put(const char *text);

/** mdevctl_say() - write a message to standard error. */
void mdevctl_say(const char *format, ...) _printf_(1, 2);
void mdevctl_say_va(const char *format, va_list arguments) _printf_(1, 0);

/** mdevctl_fail() - print an error. Returns EXIT_FAILURE. */
int mdevctl_fail(const char *format, ...) _printf_(1, 2);

/** mdevctl_fail_because() - print an error and its cause. Returns EXIT_FAILURE. */
int mdevctl_fail_because(const char *cause, const char *format, ...) _printf_(2, 3);

/** mdevctl_fail_errno() - the same with the cause that @error is. @error may be negative. */
int mdevctl_fail_errno(int error, const char *format, ...) _printf_(2, 3);

/** mdevctl_warn() - print a warning, which changes no status. */
void mdevctl_warn(const char *format, ...) _printf_(1, 2);

/** mdevctl_character_size() - how many bytes the first character of a valid UTF-8 text has; at least 1. */
int mdevctl_character_size(const char *text);

/** mdevctl_quote() - text in quotation marks as mdevctl quotes paths and arguments. Allocated; "?" without memory.
 */
char *mdevctl_quote(const char *text);
