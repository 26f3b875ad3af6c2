/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which definitions were started once for this registration of a parent: what autostart must not start again.
 *
 * /run/mediated/registrations/PARENT/ has a file `.identity`, and an empty file for each UUID that was tried. */

#include "daemon/registry/parent.h"

#define REGISTRATION_DIRECTORY "run/mediated/registrations"

/** registration_begin() - a parent is here: if it has registered anew since the record was made, nothing was tried yet.
 * Returns 0 or a negative errno. */
int registration_begin(const struct parent *parent);

/** registration_has() - whether that UUID was tried. */
bool registration_has(const char *parent, const char *uuid);

/** registration_add(), registration_remove() - note that it was tried, or that it is to be tried again. Return 0 or a
 * negative errno. */
int registration_add(const char *parent, const char *uuid);
int registration_remove(const char *parent, const char *uuid);
