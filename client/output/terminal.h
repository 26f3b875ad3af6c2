/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the terminal can show, and the progress line on it. */

#include <stdio.h>

#include "common/macro.h"

/** terminal_width() - how many columns the terminal has to which @file writes; 0 if it is no terminal. */
size_t terminal_width(FILE *file);

/** terminal_has_colours() - whether @file is a terminal that shows colours, and the person wants them. NO_COLOR says no
 * (https://no-color.org), and so does TERM=dumb. */
bool terminal_has_colours(FILE *file);

/** terminal_is_utf8() - whether the locale's character set is UTF-8. */
bool terminal_is_utf8(void);

/** terminal_can_rewrite() - whether @file is a terminal on which a line can be overwritten. */
bool terminal_can_rewrite(FILE *file);

/** put_printable() - write a text without control characters and line breaks. It is for names and other texts that
 * others have chosen: they must neither steer a terminal nor leave their line. */
void put_printable(FILE *file, const char *text);

/** put_wrapped() - write one line with line breaks between words, so that no line has more than @width columns; 0: any
 * number. The first line has @used columns already; the others begin with @indent blanks. Changes @text. */
void put_wrapped(FILE *file, char *text, size_t used, size_t indent, size_t width);

/** put_json() - write a JSON text, or a part of one that does not end within a character. JSON allows the control
 * characters U+007F to U+009F in strings; a terminal gets them escaped. */
void put_json(FILE *file, const char *text, size_t size);

/** progress_is_due() - whether progress_show() would print something. */
bool progress_is_due(uint64_t since_usec);

/** progress_show() - print or overwrite the progress line on standard error, "DOING… DONE/TOTAL" or "DOING… SECONDS s",
 * if that is a terminal and half a second has passed since @since_usec. */
void progress_show(const char *doing, size_t done, size_t total, uint64_t since_usec);

/** progress_clear() - erase the progress line, if there is one. */
void progress_clear(void);
