/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Answers to calls: errors that say what to do, and replies that are sent for certain. */

#include <systemd/sd-bus.h>

#include "common/failure.h"
#include "common/utf8.h"

/* The two arguments of "%.*s" for a caller's own text in an answer, of which no character is cut in two. */
#define SHORTENED(text, max) (int) utf8_cut_size(text, max), text

/** bus_send_failure() - reply with an error, whatever @text is: bytes that are not valid UTF-8 are replaced. Where
 * that fails, or @text is NULL, a constant text is sent. Returns 0 or a negative errno. */
int bus_send_failure(sd_bus_message *message, enum failure_code code, const char *text);

/** bus_fail() - the same for a method handler. Returns 1, the call is answered; or a negative errno. */
int bus_fail(sd_bus_message *message, enum failure_code code, const char *format, ...) _printf_(3, 4);

/** bus_seal_reply() - @reply is complete. After that its sending can be tried more than once. Returns 0 or a negative
 * errno: then @reply is of no use any more. */
int bus_seal_reply(sd_bus_message *reply);

/** bus_send_reply() - send a sealed reply. One failed allocation is tried again. Returns 0 or a negative errno. */
int bus_send_reply(sd_bus_message *reply);

/** bus_end_unanswered() - end the daemon, because a caller cannot be answered. Then the bus answers all that wait. */
void bus_end_unanswered(void);

/** bus_answer_errno() - reply with the error that libsystemd makes of an errno. Where there is no memory even for that,
 * bus_end_unanswered(). */
void bus_answer_errno(sd_bus_message *message, int error);

/** bus_append_failure() - append a failure as (ss): the name of the D-Bus error, and the sentence, which must be valid
 * UTF-8. Both are empty if nothing has failed. Returns 0 or a negative errno. */
int bus_append_failure(sd_bus_message *reply, const struct failure *failure);

/* bus_fail() with one sentence that several handlers need. */

/** bus_fail_job() - there is no such job. */
int bus_fail_job(sd_bus_message *message, uint64_t id);

/** bus_fail_device() - there is no such device. */
int bus_fail_device(sd_bus_message *message, const char *uuid);

/** bus_fail_parent() - there is no such parent. */
int bus_fail_parent(sd_bus_message *message, const char *name);

/** bus_fail_stopping() - the daemon is stopping and takes nothing new. */
int bus_fail_stopping(sd_bus_message *message);
