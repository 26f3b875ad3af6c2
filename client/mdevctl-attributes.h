/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The attributes of running devices that no definition tells: a callout may know them. */

#include "client/mdevctl-devices.h"
#include "client/mdevctl-store.h"

/** mdevctl_attributes_get() - fill in @ret, one for each of @devices, with those of the devices that are not in @store. A
 * device nobody can tell of has none. On a host without callouts nobody is asked. Returns EXIT_SUCCESS, or EXIT_FAILURE
 * having said why. */
int mdevctl_attributes_get(const struct mdevctl_devices *devices, const struct mdevctl_store *store,
                           struct attributes *ret);
