/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Durations as a person writes them. */

#include "common/macro.h"

/** duration_parse() - read "90", "1.5s", "200ms", "2min", "1h" or "infinity", in µs. A number alone is in seconds.
 * Infinity is 0, which means "no deadline" to the daemon. Returns 0; -EINVAL; or -ERANGE for more than a year. */
int duration_parse(const char *text, uint64_t *ret_usec);
