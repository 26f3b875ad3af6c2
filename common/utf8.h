/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UTF-8 as D-Bus carries it. One string that is not valid makes a whole reply unreadable, so text from files and
 * programs is checked where it comes in. */

#include "common/macro.h"

/** unichar_is_valid() - whether a D-Bus string may contain this code point: not beyond Unicode, no surrogate, and none
 * of the 66 noncharacters, which libsystemd 252 refuses although the specification would allow them. */
bool unichar_is_valid(uint32_t c);

/** utf8_valid_size() - how many bytes at the beginning of @text are valid; @size when all are. */
size_t utf8_valid_size(const char *text, size_t size);

/** utf8_is_valid() - whether all of @text is valid. */
static inline bool utf8_is_valid(const char *text, size_t size) {
        return utf8_valid_size(text, size) == size;
}

/** utf8_cut_size() - how many bytes of @text remain when it is cut to at most @max bytes, between two characters. @text
 * is valid. */
size_t utf8_cut_size(const char *text, size_t max);

/** utf8_make_valid() - put '?' in place of each byte that is not valid. The text keeps its length. */
void utf8_make_valid(char *text);

/** utf8_copy_valid() - a copy of @text that is made valid. Returns NULL for NULL, and without memory. */
char *utf8_copy_valid(const char *text);

/** utf8_make_printable() - the same, and also put '?' in place of control characters, except newline and tab. For a
 * text of a driver or a program that goes to D-Bus and to a terminal. */
void utf8_make_printable(char *text);

/** utf8_make_line() - the same, and put spaces in place of newlines and tabs. For a name or another text that must stay
 * on its line. */
void utf8_make_line(char *text);
