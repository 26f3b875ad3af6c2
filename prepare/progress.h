/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the program tells: messages in the journal, and the card's file in /run/mediated/prepare. */

#include "common/preparation.h"

struct progress {
        const char *card;
        const char *set;                /* the name of the set; NULL: none is known yet */
        unsigned int attempt, attempts;
};

/** progress_log() - log a message of the syslog level @priority about the card. */
void progress_log(const struct progress *progress, int priority, const char *format, ...) _printf_(3, 4);

/** progress_is() - say what is done now: log it, and put it into the file. */
void progress_is(const struct progress *progress, const char *format, ...) _printf_(2, 3);

/** progress_ended() - say how it ended, in the same way. Returns an exit status: it has failed if the file does not say
 * that it is done. */
int progress_ended(const struct progress *progress, enum preparation_state state, const char *format, ...)
        _printf_(3, 4);
