/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Answers to calls. */

#include "daemon/bus/bus-util.h"

#include <errno.h>
#include <inttypes.h>
#include <systemd/sd-event.h>

#include "common/macro.h"
#include "common/utf8.h"
#include "daemon/base/log.h"

/* The serial of each reply. Nobody replies to a reply, so that they need not differ. */
#define REPLY_SERIAL 1

/* There is nobody to answer any more. */
static bool is_lost_connection(int error) {
        return error == -ENOTCONN || error == -ECONNRESET || error == -EPIPE || error == -ESHUTDOWN || error == -ESTALE;
}

int bus_send_failure(sd_bus_message *message, enum failure_code code, const char *text) {
        _cleanup_free_ char *copy = utf8_copy_valid(text);
        int r = -ENOMEM;

        if (copy)
                r = sd_bus_reply_method_errorf(message, failure_code_to_name(code), "%s", copy);
        if (r >= 0 || is_lost_connection(r))
                return r < 0 ? r : 0;

        r = sd_bus_reply_method_error(
                message, &SD_BUS_ERROR_MAKE_CONST(failure_code_to_name(code), "The reason could not be sent"));
        return r < 0 ? r : 0;
}

int bus_fail(sd_bus_message *message, enum failure_code code, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list args;
        int r;

        va_start(args, format);
        if (vasprintf(&text, format, args) < 0)
                text = NULL;
        va_end(args);

        r = bus_send_failure(message, code, text);
        return r < 0 ? r : 1;
}

int bus_append_failure(sd_bus_message *reply, const struct failure *failure) {
        bool failed = failure->code != FAILURE_NONE;

        return sd_bus_message_append(reply, "(ss)", failed ? failure_code_to_name(failure->code) : "",
                                     failed ? failure_text(failure) : "");
}

void bus_end_unanswered(void) {
        sd_event *event = NULL;

        log_error_errno(-ENOMEM, "Failed to answer a caller, ending: %m");
        if (sd_event_default(&event) >= 0)
                (void) sd_event_exit(event, -ENOMEM);
        sd_event_unref(event);
}

/* Sending would seal it too. But where there is no memory for that, the message is spoiled. */
int bus_seal_reply(sd_bus_message *reply) {
        return sd_bus_message_seal(reply, REPLY_SERIAL, 0);
}

int bus_send_reply(sd_bus_message *reply) {
        int r;

        r = sd_bus_send(NULL, reply, NULL);
        if (r == -ENOMEM)
                r = sd_bus_send(NULL, reply, NULL);
        return r < 0 ? r : 0;
}

void bus_answer_errno(sd_bus_message *message, int error) {
        int r;

        r = sd_bus_reply_method_errno(message, error, NULL);
        if (r == -ENOMEM)
                bus_end_unanswered();
}

int bus_fail_stopping(sd_bus_message *message) {
        return bus_fail(message, FAILURE_SHUTTING_DOWN, "mediated is stopping; try again when it runs again");
}

int bus_fail_job(sd_bus_message *message, uint64_t id) {
        return bus_fail(message, FAILURE_NO_SUCH_JOB, "There is no job %" PRIu64 "; it may be finished already", id);
}

int bus_fail_device(sd_bus_message *message, const char *uuid) {
        return bus_fail(message, FAILURE_NO_SUCH_DEVICE, "There is no device %s; 'mediatectl list' shows all devices",
                        uuid);
}

int bus_fail_parent(sd_bus_message *message, const char *name) {
        return bus_fail(message, FAILURE_NO_SUCH_PARENT,
                        "There is no parent '%s'; is its driver loaded? 'mediatectl parents' shows all parents", name);
}
