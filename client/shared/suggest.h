/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a person may have meant. */

#include "common/macro.h"

/** suggest_nearest() - the candidate that becomes @word with the fewest edits (a character inserted, deleted or
 * replaced, or two neighbours swapped); the first one of several. A candidate that begins with @word counts as one
 * edit. Returns NULL when all need more than @edits. */
const char *suggest_nearest(const char *word, const char *const *candidates, size_t n, size_t edits);

/** suggest_list() - the names in one text, "A, B, C and 3 more", without control characters. The caller frees it.
 * Returns NULL when there is no memory. */
char *suggest_list(const char *const *names, size_t n);

/* How many typing errors a guess may assume: in a word, and in a UUID. Few in a UUID, because those that people make up
 * often differ in few places. */
#define SUGGEST_WORD(word) (strlen(word) < 6 ? 1 + strlen(word) / 4 : strlen(word) / 3)
#define SUGGEST_UUID 2
