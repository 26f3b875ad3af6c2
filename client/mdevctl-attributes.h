/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The attributes of running devices that no definition tells: a callout may know them. */

#include "client/mdevctl-devices.h"
#include "client/mdevctl-store.h"

/** mdevctl_attributes_of() - of one device, which a definition is to be made of. Returns 0, or -1 with @failure
 * set. */
int mdevctl_attributes_of(sd_bus *bus, const char *uuid, struct attributes *ret, struct failure *failure);

/** mdevctl_attributes_get() - fill in @ret, one for each of @devices, with those of the devices that are not in
 * @store. A device nobody can tell of has none. On a host without callouts nobody is asked. Returns EXIT_SUCCESS,
 * or EXIT_FAILURE having said why. */
int mdevctl_attributes_get(const struct mdevctl_devices *devices, const struct mdevctl_store *store,
                           struct attributes *ret);
