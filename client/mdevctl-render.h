/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Printing many items, each from a file of its own: on all processors, because the kernel's work of opening 10,000
 * small files is what takes the time. */

#include <stdio.h>

#include "common/macro.h"

struct mdevctl_text {
        const char *text;
        size_t size;            /* 0: nothing was printed */
};

struct mdevctl_rendered {
        struct mdevctl_text *items;
        size_t n;
        struct mdevctl_slice *slices;
        size_t n_slices;
};

void mdevctl_rendered_clear(struct mdevctl_rendered *rendered);
#define _cleanup_rendered_ _cleanup_(mdevctl_rendered_clear)

/** mdevctl_render() - call @print for each number below @n, and keep what it prints. It may run in another
 * process, so nothing but its output remains of it. Returns 0 or a negative errno, also of @print. */
int mdevctl_render(size_t n, int (*print)(size_t i, FILE *stream, void *userdata), void *userdata,
                   struct mdevctl_rendered *ret);
