/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The adapters and domains of a device of vfio_ap, in the two ways in which they are written: as attributes, and as the
 * kernel's file `ap_config`. docs/KERNEL.md describes both. */

#include "common/attribute.h"

/* The size of what `ap_config` shows: three masks of 64 digits with "0x", and what is between and after them. */
#define AP_CONFIG_SIZE (3 * (2 + 64 + 1))

/** ap_config_compare() - compare @attributes, which a device was to have, with the text @shown of its ap_config.
 * Returns 0 when they agree. Returns 1 when they differ, with a list of differences in @ret, of which those that do not
 * fit are left out. Returns -EINVAL when one of the two cannot be read, or when there are other attributes. */
int ap_config_compare(const struct attributes *attributes, const char *shown, char *ret, size_t size);
