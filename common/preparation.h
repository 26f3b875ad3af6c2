/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How far the preparation of a card's virtual functions is. mediated-prepare writes it to a file in
 * /run/mediated/prepare, which everybody may read. */

#include "common/macro.h"

#define PREPARATION_DIRECTORY "run/mediated/prepare"

enum preparation_state {
        PREPARATION_RUNNING,
        PREPARATION_DONE,
        PREPARATION_FAILED,
        _PREPARATION_STATE_MAX,
};

struct preparation {
        enum preparation_state state;
        unsigned int attempt;           /* the number of this attempt, from 1; 0: none was made */
        unsigned int attempts;          /* how many there can be */
        char *message;                  /* what is done now, or how it ended */
        char *set;                      /* the name of the file that asked for it */
};

/** preparation_state_to_string() - "running", "done" or "failed". */
const char *preparation_state_to_string(enum preparation_state state);

/** preparation_store() - write the file of a card, as a whole. Returns 0 or a negative errno. */
int preparation_store(const char *card, const struct preparation *preparation);

/** preparation_load() - read the file of a card. Returns 0 or a negative errno, -ENOENT when the card was not prepared,
 * -EBADMSG for a file that is not one of mediated-prepare. */
int preparation_load(const char *card, struct preparation *ret);

/** preparation_remove() - remove the file of a card. It is no error if there is none. Returns 0 or a negative errno. */
int preparation_remove(const char *card);

/** preparation_clear() - free everything. */
void preparation_clear(struct preparation *preparation);
#define _cleanup_preparation_ _cleanup_(preparation_clear)
