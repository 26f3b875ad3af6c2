/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* UTF-8 as D-Bus carries it. */

#include "common/utf8.h"

bool unichar_is_valid(uint32_t c) {
        if (c > 0x10ffff)
                return false;
        if (c >= 0xd800 && c <= 0xdfff)
                return false;
        if (c >= 0xfdd0 && c <= 0xfdef)
                return false;
        return (c & 0xfffe) != 0xfffe;
}

/* Decodes the character that @p begins with. Returns its size in bytes, 0 when it is not valid. */
static size_t utf8_character_size(const unsigned char *p, size_t available) {
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t size;
        uint32_t c;

        if (p[0] < 0x80)
                return 1;
        if ((p[0] & 0xe0) == 0xc0)
                size = 2;
        else if ((p[0] & 0xf0) == 0xe0)
                size = 3;
        else if ((p[0] & 0xf8) == 0xf0)
                size = 4;
        else
                return 0;
        if (size > available)
                return 0;

        c = p[0] & (0x7fU >> size);
        for (size_t i = 1; i < size; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3fU);
        }
        return c >= smallest[size] && unichar_is_valid(c) ? size : 0;
}

size_t utf8_valid_size(const char *text, size_t size) {
        size_t done = 0;

        while (done < size) {
                size_t n = utf8_character_size((const unsigned char *) text + done, size - done);

                if (n == 0)
                        break;
                done += n;
        }
        return done;
}

size_t utf8_cut_size(const char *text, size_t max) {
        size_t size = strnlen(text, max + 1);

        if (size <= max)
                return size;
        /* A character must begin with the first byte that is left out. */
        for (size = max; size > 0 && ((unsigned char) text[size] & 0xc0) == 0x80;)
                size--;
        return size;
}

void utf8_make_valid(char *text) {
        size_t left = strlen(text);

        for (char *p = text; left > 0;) {
                size_t n = utf8_valid_size(p, left);

                if (n < left)
                        p[n++] = '?';
                p += n;
                left -= n;
        }
}

char *utf8_copy_valid(const char *text) {
        char *copy = text ? strdup(text) : NULL;

        if (copy)
                utf8_make_valid(copy);
        return copy;
}

void utf8_make_printable(char *text) {
        utf8_make_valid(text);

        for (unsigned char *p = (unsigned char *) text; *p; p++)
                if ((*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7f)
                        *p = '?';
                else if (p[0] == 0xc2 && p[1] < 0xa0)
                        /* U+0080 to U+009F are control characters, too. */
                        p[0] = p[1] = '?';
}

void utf8_make_line(char *text) {
        utf8_make_printable(text);

        for (; *text; text++)
                if (*text == '\n' || *text == '\t')
                        *text = ' ';
}
