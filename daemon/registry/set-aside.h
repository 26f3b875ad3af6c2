/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parents that an administrator has set aside: nobody chooses them for a device that is made on their card. A virtual
 * function can be broken in a way that neither the kernel nor the driver shows.
 *
 * A link in /run/mediated says so. It names the registration of the parent, so that it ends when the card's virtual
 * functions are disabled and enabled again, which heals them, and when the host is rebooted. */

#include <stdbool.h>
#include <sys/types.h>

/** set_aside_load() - whether the parent with that name and types_inode was set aside. */
bool set_aside_load(const char *parent, ino_t registration);

/** set_aside_store() - set it aside, or not any more. Returns 0 or a negative errno. */
int set_aside_store(const char *parent, ino_t registration, bool set_aside);
