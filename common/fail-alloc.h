/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Allocations that fail when a test wants it, see fail-alloc.c. */

#include <stdbool.h>
#include <stdint.h>

/** fail_alloc() - let the @first-th allocation of this process from now on fail, alone; 0: none. */
void fail_alloc(uint64_t first);

/** fail_alloc_failed() - whether it has. */
bool fail_alloc_failed(void);
