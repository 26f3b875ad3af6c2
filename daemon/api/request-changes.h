/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The changes of a Modify, an a{sv}, read as arguments.h says. An unknown change is an error, and is never ignored. */

#include "common/definition-changes.h"
#include "daemon/api/arguments.h"

/** changes_read() - read the a{sv} that is next in @message. Returns 0; 1 when @message was answered with an error; or
 * a negative errno. */
int changes_read(sd_bus_message *message, const struct uuid_text *uuid, struct definition_changes *ret);
