/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Log messages: to the journal with fields when the daemon runs under it, else to stderr.
 *
 * daemon/base/ is what every other folder of the daemon may use, and it uses none of them: log messages (this file),
 * event sources that run once (timer.h), and the order in which events are handled (priorities.h). It owns nothing but
 * the socket to the journal, and notifies nobody.
 *
 * A message goes to the journal in the journal's own protocol, because libsystemd's function waits until the journal
 * reads. The daemon has one thread, and it never waits for another program: a journal that hangs must not hang it. A
 * message that the journal has no room for is lost, and the number of lost messages is logged when there is room again.
 *
 * A message that is about a device or a job carries its UUID, parent and number in fields. So `journalctl
 * MEDIATED_UUID=…` finds all of them. A function logs an error or returns it, not both. */

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#include "common/macro.h"

/* What a message is about. A field that is NULL or 0 is left out. */
struct log_fields {
        const char *message_id;         /* 128 bits in hex, see units/mediated.catalog */
        const char *uuid;
        const char *parent;
        uint64_t job;                   /* the number of a job */
};

/** log_set_debug() - whether messages of the level LOG_DEBUG are logged. They are not at first. */
void log_set_debug(bool debug);

/** log_full() - log a message of the syslog level @priority. In @format, %m is the text of @error, a negative errno.
 * Returns @error. */
int log_full(int priority, int error, struct log_fields fields, const char *format, ...) _printf_(4, 5);

#define log_debug(...) log_full(LOG_DEBUG, 0, (struct log_fields) {}, __VA_ARGS__)
#define log_info(...) log_full(LOG_INFO, 0, (struct log_fields) {}, __VA_ARGS__)
#define log_warning(...) log_full(LOG_WARNING, 0, (struct log_fields) {}, __VA_ARGS__)
#define log_error_errno(error, ...) log_full(LOG_ERR, error, (struct log_fields) {}, __VA_ARGS__)
#define log_warning_errno(error, ...) log_full(LOG_WARNING, error, (struct log_fields) {}, __VA_ARGS__)
