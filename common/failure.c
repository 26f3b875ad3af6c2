/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Failure codes and their D-Bus names. */

#include "common/failure.h"

#include <assert.h>
#include <errno.h>

#include "common/utf8.h"

static const char *const names[_FAILURE_CODE_MAX] = {
        [FAILURE_NONE] = "",
        [FAILURE_ALREADY_EXISTS] = "org.mediated1.Error.AlreadyExists",
        [FAILURE_NO_SUCH_DEVICE] = "org.mediated1.Error.NoSuchDevice",
        [FAILURE_NO_SUCH_PARENT] = "org.mediated1.Error.NoSuchParent",
        [FAILURE_NO_SUCH_TYPE] = "org.mediated1.Error.NoSuchType",
        [FAILURE_NO_SUCH_JOB] = "org.mediated1.Error.NoSuchJob",
        [FAILURE_NO_AVAILABLE_INSTANCES] = "org.mediated1.Error.NoAvailableInstances",
        [FAILURE_DEVICE_BUSY] = "org.mediated1.Error.DeviceBusy",
        [FAILURE_WEDGED] = "org.mediated1.Error.Wedged",
        [FAILURE_JOB_TIMED_OUT] = "org.mediated1.Error.JobTimedOut",
        [FAILURE_JOB_CANCELED] = "org.mediated1.Error.JobCanceled",
        [FAILURE_INVALID_ATTRIBUTE] = "org.mediated1.Error.InvalidAttribute",
        [FAILURE_CALLOUT_FAILED] = "org.mediated1.Error.CalloutFailed",
        [FAILURE_NOT_DEFINED] = "org.mediated1.Error.NotDefined",
        [FAILURE_ALREADY_DEFINED] = "org.mediated1.Error.AlreadyDefined",
        [FAILURE_AMBIGUOUS_DEFINITION] = "org.mediated1.Error.AmbiguousDefinition",
        [FAILURE_INVALID_DEFINITION] = "org.mediated1.Error.InvalidDefinition",
        [FAILURE_LIMITS_EXCEEDED] = "org.mediated1.Error.LimitsExceeded",
        [FAILURE_SHUTTING_DOWN] = "org.mediated1.Error.ShuttingDown",
        [FAILURE_INVALID_ARGS] = "org.freedesktop.DBus.Error.InvalidArgs",
        [FAILURE_ACCESS_DENIED] = "org.freedesktop.DBus.Error.AccessDenied",
        [FAILURE_AUTHORIZATION_REQUIRED] = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
        [FAILURE_NOT_SUPPORTED] = "org.freedesktop.DBus.Error.NotSupported",
        [FAILURE_IO_ERROR] = "org.freedesktop.DBus.Error.IOError",
};

const char *failure_code_to_name(enum failure_code code) {
        assert(code < _FAILURE_CODE_MAX);
        return names[code];
}

enum failure_code failure_code_from_name(const char *name) {
        for (int i = 0; i < _FAILURE_CODE_MAX; i++)
                if (streq(names[i], name))
                        return i;

        return FAILURE_IO_ERROR;
}

int failure_set(struct failure *failure, enum failure_code code, const char *format, ...) {
        va_list args;

        if (failure->code != FAILURE_NONE)
                return -1;

        failure->code = code;
        va_start(args, format);
        if (vasprintf(&failure->message, format, args) < 0)
                failure->message = NULL;
        va_end(args);
        return -1;
}

#define ATTRIBUTE_MISSING "the device has no such attribute"

/* The parts of the sentence about an attribute. The reason follows. */
#define ATTRIBUTE_SENTENCE(uuid, name, value) \
        { "Device ", uuid, " cannot be configured: attribute '", name, "' cannot be set to '", value, "': " }

static const char *explain_attribute_error(int error) {
        switch (error) {
        case ENOENT:
                return ATTRIBUTE_MISSING;
        case EXDEV:
        case ELOOP:
                return "it leads out of the device's directory";
        case EACCES:
        case EISDIR:
                return "it cannot be written";
        default:
                return strerror(error);
        }
}

int failure_set_attribute(struct failure *failure, const char *uuid, const char *name, const char *value, int error) {
        const char *const parts[] = ATTRIBUTE_SENTENCE(uuid, name, value);

        return failure_set(failure, FAILURE_INVALID_ATTRIBUTE, "%s%s%s%s%s%s%s%s", parts[0], parts[1], parts[2],
                           parts[3], parts[4], parts[5], parts[6], explain_attribute_error(error));
}

const char *failure_attribute_reason(const struct failure *failure, const char *uuid, const char *name,
                                     const char *value, bool *ret_missing) {
        const char *const parts[] = ATTRIBUTE_SENTENCE(uuid, name, value), *text = failure_text(failure);

        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                if (strncmp(text, parts[i], strlen(parts[i])) != 0)
                        return NULL;
                text += strlen(parts[i]);
        }

        *ret_missing = strncmp(text, ATTRIBUTE_MISSING, strlen(ATTRIBUTE_MISSING)) == 0;
        return text;
}

const char *failure_text(const struct failure *failure) {
        return failure->message ? failure->message : "Out of memory";
}

void failure_clear(struct failure *failure) {
        free(failure->message);
        *failure = (struct failure) {};
}

void failure_copy(const struct failure *from, struct failure *to) {
        char *message = from ? utf8_copy_valid(from->message) : NULL;

        failure_clear(to);
        *to = (struct failure) { .code = from ? from->code : FAILURE_NONE, .message = message };
}
