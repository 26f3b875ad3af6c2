/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Durations as a person writes them. */

#include "common/macro.h"

/** duration_parse() - read "90", "1.5s", "200ms", "2min", "1h" or "infinity" as µs; a number alone means seconds.
 * Infinity is 0, which is what the daemon takes for "no deadline". Returns 0, -EINVAL or -ERANGE. */
int duration_parse(const char *text, uint64_t *ret_usec);
