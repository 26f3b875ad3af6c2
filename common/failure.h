/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Why a request failed: a code that has a D-Bus error name, and a sentence for a person. */

#include <stdarg.h>

#include "common/macro.h"

enum failure_code {
        FAILURE_NONE,
        FAILURE_ALREADY_EXISTS,
        FAILURE_NO_SUCH_DEVICE,
        FAILURE_NO_SUCH_PARENT,
        FAILURE_NO_SUCH_TYPE,
        FAILURE_NO_SUCH_JOB,
        FAILURE_NO_AVAILABLE_INSTANCES,
        FAILURE_DEVICE_BUSY,
        FAILURE_WEDGED,
        FAILURE_JOB_TIMED_OUT,
        FAILURE_JOB_CANCELED,
        FAILURE_INVALID_ATTRIBUTE,
        FAILURE_CALLOUT_FAILED,
        FAILURE_NOT_DEFINED,
        FAILURE_ALREADY_DEFINED,
        FAILURE_AMBIGUOUS_DEFINITION,
        FAILURE_INVALID_DEFINITION,
        FAILURE_LIMITS_EXCEEDED,
        FAILURE_SHUTTING_DOWN,
        FAILURE_INVALID_ARGS,
        FAILURE_ACCESS_DENIED,
        FAILURE_AUTHORIZATION_REQUIRED,
        FAILURE_NOT_SUPPORTED,
        FAILURE_IO_ERROR,
        _FAILURE_CODE_MAX,
};

/* A failure owns its message. Zero-initialized it means: no failure. */
struct failure {
        enum failure_code code;
        char *message;
};

/** failure_code_to_name() - the D-Bus error name of a code, e.g. "org.mediated1.Error.AlreadyExists". */
const char *failure_code_to_name(enum failure_code code);

/** failure_code_from_name() - the inverse; FAILURE_IO_ERROR for a name that is not known. */
enum failure_code failure_code_from_name(const char *name);

/** failure_set() - set code and message where there is none yet: the first failure is the cause. Returns -1 always,
 * so that a function that failed can return it. */
int failure_set(struct failure *failure, enum failure_code code, const char *format, ...) _printf_(3, 4);

/** failure_set_attribute() - failure_set() for an attribute of a device that could not be written. @error is the errno.
 */
int failure_set_attribute(struct failure *failure, const char *uuid, const char *name, const char *value, int error);

/** failure_attribute_reason() - find out whether failure_set_attribute() has set this failure, for this attribute. No
 * other function reads a message. A client has nothing else: it gets a failure as a D-Bus error, which is a name and
 * one text. Returns the reason, which is the end of the message, and whether the device has no such attribute; or NULL
 * when the failure is another one. */
const char *failure_attribute_reason(const struct failure *failure, const char *uuid, const char *name,
                                     const char *value, bool *ret_missing);

/** failure_text() - its message, or what is said where there was no memory for one. */
const char *failure_text(const struct failure *failure);

/** failure_clear() - free the message and become "no failure". */
void failure_clear(struct failure *failure);

#define _cleanup_failure_ _cleanup_(failure_clear)
