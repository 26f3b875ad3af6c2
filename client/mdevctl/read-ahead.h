/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading many definitions on all processors. */

#include "client/mdevctl/entries.h"

/** mdevctl_read_ahead() - read the definitions of entries that have a file, if there are many. A file that cannot be
 * read or is no definition is left to the caller. */
void mdevctl_read_ahead(struct mdevctl_entries *entries);
