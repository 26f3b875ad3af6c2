/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors as replies. */

#include "daemon/bus-util.h"

#include <errno.h>
#include <inttypes.h>

#include "common/macro.h"
#include "common/utf8.h"

int bus_fail(sd_bus_message *message, enum failure_code code, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list args;
        int r;

        va_start(args, format);
        r = vasprintf(&text, format, args);
        va_end(args);
        if (r < 0)
                return -ENOMEM;

        /* A name that was shortened may be cut within a character. */
        utf8_make_valid(text);
        r = sd_bus_reply_method_errorf(message, failure_code_to_name(code), "%s", text);
        return r < 0 ? r : 1;
}

int bus_fail_uuid(sd_bus_message *message, const char *text) {
        return bus_fail(message, FAILURE_INVALID_ARGS,
                        "'%.64s' is not a UUID; it should look like 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", text);
}

int bus_fail_job(sd_bus_message *message, uint64_t id) {
        return bus_fail(message, FAILURE_NO_SUCH_JOB, "There is no job %" PRIu64 "; it may be finished already", id);
}

int bus_fail_device(sd_bus_message *message, const char *uuid) {
        return bus_fail(message, FAILURE_NO_SUCH_DEVICE, "There is no device %s; ListDevices tells those there are",
                        uuid);
}

int bus_fail_parent(sd_bus_message *message, const char *name) {
        return bus_fail(message, FAILURE_NO_SUCH_PARENT,
                        "There is no parent '%.255s'; is its driver loaded? ListParents tells those there are", name);
}
