/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Links in the store.
 *
 * A symbolic one where a parent's directory would be is not followed, since it could lead anywhere; and that is
 * said, once each, since whoever made one will look for his definitions. A definition with hard links is invalid
 * as long as it has them, and no event of its directory tells when the last other name is gone: it may lie
 * anywhere. */

#include <sys/stat.h>

struct store;
struct store_link;
struct stored_definition;

/** store_link_look() - @parent could not be opened as a directory: say so if it is a link and that is new. */
void store_link_look(struct store *store, const char *parent);

/** store_link_forget() - it is none. */
void store_link_forget(struct store *store, const char *parent);

void store_link_forget_all(struct store *store);

/** store_link_watch() - the definition's file was seen as @st says: if it has other names, look again when that
 * changes. */
void store_link_watch(struct stored_definition *definition, int parent_fd, const struct stat *st);
