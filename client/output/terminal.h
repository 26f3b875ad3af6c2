/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the terminal can show, and the progress line on it. */

#include <stdio.h>

#include "common/macro.h"

/** terminal_width() - columns of the terminal that @file is, 0 if it is none. */
size_t terminal_width(FILE *file);

/** terminal_has_colours() - whether @file is a terminal that shows colours, and the person wants them: NO_COLOR is
 * honoured (https://no-color.org), TERM=dumb too. */
bool terminal_has_colours(FILE *file);

/** terminal_is_utf8() - whether the locale's character set is UTF-8. */
bool terminal_is_utf8(void);

/** terminal_can_rewrite() - whether a line on @file can be written again. */
bool terminal_can_rewrite(FILE *file);

/** put_printable() - write a text that others have chosen, such as a name, so that it can neither steer a terminal nor
 * leave its line. */
void put_printable(FILE *file, const char *text);

/** put_json() - write a JSON text, or a part of one that does not end within a character. A terminal also gets those
 * control characters escaped that JSON allows in strings: U+007F to U+009F. */
void put_json(FILE *file, const char *text, size_t size);

/** progress_show() - "DOING… DONE/TOTAL" on standard error, if that is a terminal and half a second has passed. */
void progress_show(const char *doing, size_t done, size_t total, uint64_t since_usec);

/** progress_clear() - take the line away again. */
void progress_clear(void);
