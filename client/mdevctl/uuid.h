/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UUIDs as mdevctl takes them: in any case, with or without dashes, in braces, after "urn:uuid:". */

#include "common/mdevctl-version.h"
#include "common/uuid.h"

#define MDEVCTL_UUID_REASON_SIZE 160

/** mdevctl_uuid_parse() - read a UUID, and write its normal form. Returns 0, or -EINVAL with the reason in mdevctl's
 * words. */
int mdevctl_uuid_parse(const struct mdevctl_version *version, const char *text, char ret[static UUID_TEXT_SIZE],
                       char ret_reason[static MDEVCTL_UUID_REASON_SIZE]);
