/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records of which definitions autostart has tried to start since their parent registered. It does not try them again.
 *
 * /run/mediated/registrations/PARENT/ has a file `.identity`, which tells one registration of the parent from another,
 * and an empty file for each UUID that was tried. The records outlive the daemon. */

#include "daemon/registry/parent.h"

#define TRIED_DIRECTORY "run/mediated/registrations"

/** tried_begin() - a parent is here. If the record is of another registration, nothing was tried yet for this one.
 * Returns 0 or a negative errno. */
int tried_begin(const struct parent *parent);

/** tried_has() - whether that UUID was tried. */
bool tried_has(const char *parent, const char *uuid);

/** tried_add(), tried_remove() - note that it was tried, or that it is to be tried again. Both return 0 or a negative
 * errno. */
int tried_add(const char *parent, const char *uuid);
int tried_remove(const char *parent, const char *uuid);
