/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Log messages: to the journal with fields when the daemon runs under it, else to stderr. */

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#include "common/macro.h"

/* What a message is about; zero-initialized fields are left out. */
struct log_fields {
        const char *message_id;         /* 128 bit in hex, see units/mediated.catalog */
        const char *uuid;
        const char *parent;
        uint64_t job;
};

/** log_set_debug() - print debug messages too. */
void log_set_debug(bool debug);

/** log_full() - %m in @format is strerror(@error) of a negative errno. Returns @error. */
int log_full(int priority, int error, struct log_fields fields, const char *format, ...) _printf_(4, 5);

#define log_debug(...) log_full(LOG_DEBUG, 0, (struct log_fields) {}, __VA_ARGS__)
#define log_info(...) log_full(LOG_INFO, 0, (struct log_fields) {}, __VA_ARGS__)
#define log_warning(...) log_full(LOG_WARNING, 0, (struct log_fields) {}, __VA_ARGS__)
#define log_error_errno(error, ...) log_full(LOG_ERR, error, (struct log_fields) {}, __VA_ARGS__)
#define log_warning_errno(error, ...) log_full(LOG_WARNING, error, (struct log_fields) {}, __VA_ARGS__)
