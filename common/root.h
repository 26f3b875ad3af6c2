/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one root below which every path of the program lies, so that a test can put a tree of its own there. */

/** root_fd() - directory fd of the root; paths given to openat() and friends omit the leading slash. Owned here. */
int root_fd(void);

/** root_set() - use @path instead of "/". Returns 0 or a negative errno. */
int root_set(const char *path);
