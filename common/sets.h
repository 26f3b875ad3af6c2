/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All sets of this host: the files *.conf in /etc/mediated.d, /run/mediated.d and /usr/lib/mediated.d. A file masks
 * files with the same name in later directories. An empty file, or a link to /dev/null, only masks. */

#include "common/set.h"

struct sets {
        struct set *items;      /* sorted by name */
        size_t n;
};

/** sets_load() - read all files. A file that cannot be read becomes a set with an error. Returns 0 or a negative
 * errno. */
int sets_load(struct sets *ret, set_warning_func *warn, void *userdata);

/** sets_find() - the set that says which virtual functions a card should have: the first one that names the card and
 * has a section [VirtualFunctions], or an error. Returns NULL if there is none. */
const struct set *sets_find(const struct sets *sets, const struct set_card *card);

/** sets_clear() - free everything. */
void sets_clear(struct sets *sets);

#define _cleanup_sets_ _cleanup_(sets_clear)
