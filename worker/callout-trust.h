/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which programs may be run as root. */

#include <stdbool.h>

/** callout_is_trusted() - whether only root can decide which file @path names, and what is in it: all folders and
 * symbolic links on the way to the file, and the file itself, belong to root, and only root can write to them. @path is
 * absolute. */
bool callout_is_trusted(const char *path);
