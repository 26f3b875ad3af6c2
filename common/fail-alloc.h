/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Allocations that fail because a test wants it, see fail-alloc.c. */

#include <stdbool.h>
#include <stdint.h>

/** fail_alloc() - let the allocation with the number @first fail. The next allocation of this process has the number 1.
 * 0: none fails. */
void fail_alloc(uint64_t first);

/** fail_alloc_failed() - whether that allocation has failed. */
bool fail_alloc_failed(void);
