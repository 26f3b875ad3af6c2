/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UTF-8 as D-Bus carries it. One string that is not makes a whole reply unreadable, so text from files and programs
 * is checked where it comes in. */

#include "common/macro.h"

/** unichar_is_valid() - whether a code point may stand in a D-Bus string: not beyond Unicode, no surrogate, and none
 * of the 66 noncharacters, which libsystemd 252 refuses although the specification would allow them. */
bool unichar_is_valid(uint32_t c);

/** utf8_valid_size() - how many bytes of @text are valid from its beginning on; all @size of them when all is well. */
size_t utf8_valid_size(const char *text, size_t size);

/** utf8_is_valid() - whether all of @text is valid. */
static inline bool utf8_is_valid(const char *text, size_t size) {
        return utf8_valid_size(text, size) == size;
}

/** utf8_cut_size() - how many bytes of @text fit into @max without a character being cut. @text is valid. */
size_t utf8_cut_size(const char *text, size_t max);

/** utf8_make_valid() - put '?' in place of each byte that is not valid. The text keeps its length. */
void utf8_make_valid(char *text);

/** utf8_make_printable() - and in place of control characters but newline and tab: for a text that a driver or a
 * program has said, and that goes to D-Bus and to a terminal. */
void utf8_make_printable(char *text);

/** utf8_make_line() - and spaces in place of newlines and tabs: for a name or another text that must stay on its line.
 */
void utf8_make_line(char *text);
