/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a person may have meant. */

#include "common/macro.h"

/** suggest_nearest() - the candidate that needs the fewest edits (insert, delete, replace, swap of neighbours) to
 * become @word; the first one if several do. A candidate that begins with @word needs one edit. Returns NULL when all
 * need more than @edits. */
const char *suggest_nearest(const char *word, const char *const *candidates, size_t n, size_t edits);

/* How many typing errors a word may have, and a UUID, of which two made-up ones often differ in a few places. */
#define SUGGEST_WORD(word) (strlen(word) < 6 ? 1 + strlen(word) / 4 : strlen(word) / 3)
#define SUGGEST_UUID 2
