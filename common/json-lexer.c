/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tokens of a JSON text. */

#include <errno.h>

#include "common/json-lexer.h"
#include "common/utf8.h"

void json_lexer_init(struct json_lexer *lexer, const char *text, size_t size) {
        *lexer = (struct json_lexer){ .position = text, .end = text + size, .line = 1 };
}

static int fail(struct json_lexer *lexer, const char *reason) {
        lexer->reason = reason;
        return -EBADMSG;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static int hex_value(char c) {
        if (is_digit(c))
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* Takes four hexadecimal digits. Returns the UTF-16 unit, or -1. */
static int32_t take_unit(struct json_lexer *lexer) {
        int32_t unit = 0;

        for (size_t i = 0; i < 4; i++) {
                int digit = lexer->position < lexer->end ? hex_value(*lexer->position) : -1;

                if (digit < 0)
                        return -1;
                unit = unit << 4 | digit;
                lexer->position++;
        }
        return unit;
}

/* Takes what follows "\u": one unit, or a pair of surrogates. */
static int take_unicode_escape(struct json_lexer *lexer) {
        int32_t high, low, c;

        high = take_unit(lexer);
        if (high < 0)
                return fail(lexer, "\\u without four hexadecimal digits");

        c = high;
        if (high >= 0xd800 && high <= 0xdbff && lexer->end - lexer->position >= 2 &&
            lexer->position[0] == '\\' && lexer->position[1] == 'u') {
                lexer->position += 2;
                low = take_unit(lexer);
                if (low < 0xdc00 || low > 0xdfff)
                        return fail(lexer, "half of a surrogate pair in a string");
                c = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        }
        if (c == 0)
                return fail(lexer, "\\u0000 in a string");
        if (!unichar_is_valid((uint32_t) c))
                return fail(lexer, "half of a surrogate pair, or a noncharacter, in a string");
        return 0;
}

static int take_escape(struct json_lexer *lexer) {
        char c;

        if (lexer->position == lexer->end)
                return fail(lexer, "a string without its end");
        c = *lexer->position++;
        if (c == 'u')
                return take_unicode_escape(lexer);
        if (c == '\0' || !strchr("\"\\/bfnrt", c))
                return fail(lexer, "unknown escape in a string");
        return 0;
}

static int take_string(struct json_lexer *lexer) {
        int r;

        lexer->position++;
        while (lexer->position < lexer->end) {
                unsigned char c = (unsigned char) *lexer->position++;

                if (c == '"')
                        return 1;
                if (c < 0x20)
                        return fail(lexer, "control character in a string");
                if (c == '\\') {
                        r = take_escape(lexer);
                        if (r < 0)
                                return r;
                }
        }
        return fail(lexer, "a string without its end");
}

static size_t take_digits(struct json_lexer *lexer) {
        const char *start = lexer->position;

        while (lexer->position < lexer->end && is_digit(*lexer->position))
                lexer->position++;
        return (size_t) (lexer->position - start);
}

static bool take_one_of(struct json_lexer *lexer, const char *characters) {
        char c;

        if (lexer->position == lexer->end)
                return false;
        c = *lexer->position;
        if (c == '\0' || !strchr(characters, c))
                return false;
        lexer->position++;
        return true;
}

/* A fraction keeps its text in json-c. An integer becomes a number of 64 bits, so a larger one would be changed. */
static bool integer_fits(const char *text, size_t size) {
        char buffer[32];

        if (size >= sizeof(buffer))
                return false;
        memcpy(buffer, text, size);
        buffer[size] = '\0';

        errno = 0;
        if (buffer[0] == '-')
                (void) strtoll(buffer, NULL, 10);
        else
                (void) strtoull(buffer, NULL, 10);
        return errno == 0;
}

static int take_number(struct json_lexer *lexer) {
        const char *start = lexer->position;
        bool integer = true, zero;

        (void) take_one_of(lexer, "-");
        zero = take_one_of(lexer, "0");
        if (!zero && take_digits(lexer) == 0)
                return fail(lexer, "a number without digits");
        if (take_one_of(lexer, ".")) {
                integer = false;
                if (take_digits(lexer) == 0)
                        return fail(lexer, "a number without digits after its point");
        }
        if (take_one_of(lexer, "eE")) {
                integer = false;
                (void) take_one_of(lexer, "+-");
                if (take_digits(lexer) == 0)
                        return fail(lexer, "a number without digits in its exponent");
        }
        if (integer && !integer_fits(start, (size_t) (lexer->position - start)))
                return fail(lexer, "an integer of more than 64 bits");
        return 1;
}

static int take_word(struct json_lexer *lexer) {
        static const char *const words[] = { "true", "false", "null" };
        size_t available = (size_t) (lexer->end - lexer->position);

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                size_t size = strlen(words[i]);

                if (size <= available && memcmp(lexer->position, words[i], size) == 0) {
                        lexer->position += size;
                        return 1;
                }
        }
        return fail(lexer, "unexpected character");
}

static void skip_space(struct json_lexer *lexer) {
        for (; lexer->position < lexer->end; lexer->position++) {
                char c = *lexer->position;

                if (c == '\n')
                        lexer->line++;
                else if (c != ' ' && c != '\t' && c != '\r')
                        return;
        }
}

int json_lexer_next(struct json_lexer *lexer, struct json_token *ret) {
        struct json_token token = {};
        char c;
        int r;

        skip_space(lexer);
        if (lexer->position == lexer->end)
                return 0;

        token.text = lexer->position;
        token.line = lexer->line;
        c = *lexer->position;
        if (c == '"') {
                token.kind = JSON_TOKEN_STRING;
                r = take_string(lexer);
        } else if (c == '-' || is_digit(c)) {
                token.kind = JSON_TOKEN_NUMBER;
                r = take_number(lexer);
        } else if (take_one_of(lexer, "{}[]:,")) {
                token.kind = JSON_TOKEN_PUNCTUATION;
                r = 1;
        } else {
                token.kind = JSON_TOKEN_WORD;
                r = take_word(lexer);
        }
        if (r < 0)
                return r;

        token.size = (size_t) (lexer->position - token.text);
        *ret = token;
        return 1;
}
