/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The changes that Modify is asked for, an a{sv}: a part of the layer that arguments.h describes. One that is not known
 * is an error, never ignored. */

#include "common/definition-changes.h"
#include "daemon/api/arguments.h"

/** changes_read() - read the a{sv} that is next in @message. Returns 0; 1 when @message was answered with an error; or
 * a negative errno. */
int changes_read(sd_bus_message *message, const struct uuid_text *uuid, struct definition_changes *ret);
