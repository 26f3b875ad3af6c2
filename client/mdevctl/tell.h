/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Messages in mdevctl's form. Programs read the line on standard error that begins with "Error: ", and get it to the
 * byte. A terminal gets no control characters that others have chosen. */

#include <stdarg.h>
#include <stdlib.h>

#include "common/macro.h"

/** mdevctl_put() - write to standard output a name or another text that others have chosen. */
void mdevctl_put(const char *text);

/** mdevctl_say(), mdevctl_say_va() - write a text to standard error. */
void mdevctl_say(const char *format, ...) _printf_(1, 2);
void mdevctl_say_va(const char *format, va_list arguments) _printf_(1, 0);

/** mdevctl_fail() - print an error. Returns EXIT_FAILURE. */
int mdevctl_fail(const char *format, ...) _printf_(1, 2);

/** mdevctl_fail_because() - print an error and its cause. Returns EXIT_FAILURE. */
int mdevctl_fail_because(const char *cause, const char *format, ...) _printf_(2, 3);

/** mdevctl_fail_errno() - print an error whose cause is an errno, which may be negative. Returns EXIT_FAILURE. */
int mdevctl_fail_errno(int error, const char *format, ...) _printf_(2, 3);

/** mdevctl_warn() - print a warning. It has no effect on the exit status. */
void mdevctl_warn(const char *format, ...) _printf_(1, 2);

/** mdevctl_character_size() - how many bytes the first character of a valid UTF-8 text has; at least 1. */
int mdevctl_character_size(const char *text);

/** mdevctl_quote() - make a copy in quotation marks, as mdevctl quotes paths and arguments. The caller frees it. It is
 * "?" when memory is short. */
char *mdevctl_quote(const char *text);
