/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The root directory of all paths that the program uses. A test can replace it by a tree of its own. */

/** root_fd() - a directory fd of the root, which the caller must not close. Paths that are given to openat() and the
 * like have no slash at their beginning. */
int root_fd(void);

/** root_set() - use @path instead of "/". Returns 0 or a negative errno. */
int root_set(const char *path);
