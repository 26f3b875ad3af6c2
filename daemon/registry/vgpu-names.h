/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which types a card has, for a daemon that starts when the card is full and no virtual function lists them. They are
 * kept in /run/mediated/cards/CARD. */

#include "daemon/registry/mdev-type.h"

/** vgpu_names_load() - add the types that were kept, without available instances. Returns 0 or -ENOMEM. */
int vgpu_names_load(const char *card, struct mdev_types *types);

/** vgpu_names_store() - keep these types. What cannot be kept is read from the card later. */
void vgpu_names_store(const char *card, const struct mdev_types *types);
