/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the kernel has a device, by the two names in its directory; see docs/KERNEL.md. */

#include <stdbool.h>

enum kernel_state {
        KERNEL_NONE,
        KERNEL_ACTIVE,
        KERNEL_TRANSITION,  /* being created or removed */
        KERNEL_WEDGED,      /* or, for a moment, being removed */
        KERNEL_TWO_PARENTS, /* never */
};

/** kernel_look() - the state of the device, and the number of the parent it is on in @ret_parent (or -1). */
enum kernel_state kernel_look(const char *uuid, const char *const *parents, unsigned int n_parents,
                              int *ret_parent);
