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

/* Zero-initialized it means that nothing has failed. */
struct failure {
        enum failure_code code;
        char *message;                  /* NULL also when there was no memory for it: see failure_text() */
};

/** failure_code_to_name() - the D-Bus error name of a code, such as "org.mediated1.Error.AlreadyExists". */
const char *failure_code_to_name(enum failure_code code);

/** failure_code_from_name() - the code of a D-Bus error name; FAILURE_IO_ERROR for an unknown one. */
enum failure_code failure_code_from_name(const char *name);

/** failure_set() - set code and message, unless they are set: the first failure is the cause. Returns -1, so that a
 * function that failed can return that. */
int failure_set(struct failure *failure, enum failure_code code, const char *format, ...) _printf_(3, 4);

/** failure_set_attribute() - set that an attribute of a device could not be written, because of the errno @error. */
int failure_set_attribute(struct failure *failure, const char *uuid, const char *name, const char *value, int error);

/** failure_attribute_reason() - find out whether failure_set_attribute() has set this failure, for this attribute. No
 * other function reads a message. A client has nothing else: it gets a failure as a D-Bus error, which is a name and
 * one text. Returns the reason, which is the end of the message, and whether the device has no such attribute; or NULL
 * when the failure is another one. */
const char *failure_attribute_reason(const struct failure *failure, const char *uuid, const char *name,
                                     const char *value, bool *ret_missing);

/** failure_text() - the message, or "Out of memory" if there was no memory for one. */
const char *failure_text(const struct failure *failure);

/** failure_copy() - replace what @to says by a copy of @from, as valid UTF-8; NULL: nothing has failed. */
void failure_copy(const struct failure *from, struct failure *to);

/** failure_clear() - free the message. Nothing has failed then. */
void failure_clear(struct failure *failure);

#define _cleanup_failure_ _cleanup_(failure_clear)
