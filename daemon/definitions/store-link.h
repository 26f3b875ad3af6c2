/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Links in the store.
 *
 * A symbolic link in the place of a parent's directory is not followed, because it could lead anywhere. That is logged
 * once, because whoever has made the link will miss the definitions. A file with more than one name is an invalid
 * definition, and no event of its directory tells when the other names are gone, which may be in any directory. So the
 * file itself is watched. */

#include <sys/stat.h>

struct store;
struct store_link;
struct stored_definition;

/** store_link_look() - the directory of @parent could not be opened. If it is a link, that is logged once. */
void store_link_look(struct store *store, const char *parent);

/** store_link_forget() - there is no link in the place of that directory. */
void store_link_forget(struct store *store, const char *parent);

/** store_link_forget_all() - free what was noted. */
void store_link_forget_all(struct store *store);

/** store_link_watch() - the file of the definition was seen with @st. As long as it has other names, it is looked at
 * when these change. */
void store_link_watch(struct stored_definition *definition, int parent_fd, const struct stat *st);
