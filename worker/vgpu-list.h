/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The list of types in `nvidia/creatable_vgpu_types`. Drivers print it in several ways: with or without a heading, as
 * "1145  : NVIDIA L40S-1B", or as "NVIDIA L40S-1B  1145". */

#include <stdbool.h>
#include <stdint.h>

/** vgpu_list_next() - find the next type in @text, and go on behind its line. A line that is no type is left out. The
 * name is a part of @text, which is changed for it. Returns whether there is one. */
bool vgpu_list_next(char **text, uint32_t *ret_number, const char **ret_name);
