/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cards: parents that share instances, as the virtual functions of one physical function do. */

#include "daemon/jobs/jobs.h"

struct parent;

/** card_exists() - whether a registered parent belongs to the card @name, and is not called so itself. */
bool card_exists(struct registry *registry, const char *name);

/** card_choose() - choose a parent of the card for a new device of @type: rather one that had an instance when its
 * types were read last, and then that for which the fewest devices are being created. @refused, of @n_refused names:
 * parents that are not asked for, as those that are set aside. Returns NULL if no other parent of the card has the
 * type. */
struct parent *card_choose(const struct jobs *jobs, const char *card, const char *type, char *const *refused,
                           size_t n_refused);
