/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The attributes of running devices that no definition tells: a callout may know them. */

#include "client/mdevctl/bus.h"
#include "client/mdevctl/entries.h"

/** mdevctl_attributes_of() - of one device, which a definition is to be made of. Returns 0, or -1 with @failure
 * set. */
int mdevctl_attributes_of(sd_bus *bus, const char *uuid, struct attributes *ret, struct failure *failure);

/** mdevctl_attributes_get() - give entries that are not defined the attributes of their running devices. A device
 * nobody can tell of has no attributes. On a host without callouts nobody is asked. Returns EXIT_SUCCESS, or
 * EXIT_FAILURE having said why. */
int mdevctl_attributes_get(struct mdevctl_entries *entries);
