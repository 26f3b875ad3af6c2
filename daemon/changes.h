/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The changes that Modify is asked for, an a{sv}. One that is not known is an error, never ignored. */

#include <systemd/sd-bus.h>

#include "common/definition-changes.h"

/* Both return 0; 1 when @message was answered with an error; or a negative errno. */

/** changes_read() - read the a{sv} that is next in @message. */
int changes_read(sd_bus_message *message, const char *uuid, struct definition_changes *ret);

/** changes_read_start() - check a start mode. */
int changes_read_start(sd_bus_message *message, const char *start, struct definition_changes *ret);
