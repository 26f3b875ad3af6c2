/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Answering a call with an error that tells a person what to do. */

#include <systemd/sd-bus.h>

#include "common/failure.h"

/** bus_fail() - reply with the error. Returns 1, for a method handler: it is answered; or a negative errno. */
int bus_fail(sd_bus_message *message, enum failure_code code, const char *format, ...) _printf_(3, 4);

/** bus_fail_uuid() - what was given is not a UUID. */
int bus_fail_uuid(sd_bus_message *message, const char *text);

/** bus_fail_job() - there is no such job. */
int bus_fail_job(sd_bus_message *message, uint64_t id);

/** bus_fail_device() - there is no such device. */
int bus_fail_device(sd_bus_message *message, const char *uuid);

/** bus_fail_parent() - there is no such parent. */
int bus_fail_parent(sd_bus_message *message, const char *name);
