/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The attributes of running devices. A callout may know them. */

#include "client/mdevctl/bus.h"
#include "client/mdevctl/entries.h"

/** mdevctl_attributes_of() - get the attributes of one device, for a definition of it. Returns 0, or -1 with @failure
 * set. */
int mdevctl_attributes_of(sd_bus *bus, const char *uuid, struct attributes *ret, struct failure *failure);

/** mdevctl_attributes_get() - get the attributes of the devices in @entries that have no definition, or with
 * @stored_too of all. They stay empty for a device whose attributes no callout knows, and on a host without callouts.
 * Returns EXIT_SUCCESS, or EXIT_FAILURE after a message. */
int mdevctl_attributes_get(struct mdevctl_entries *entries, bool stored_too);
