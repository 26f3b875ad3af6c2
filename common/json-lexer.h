/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The tokens of a JSON text. The lexer is as strict as RFC 8259. json-c 0.16 is not: it clamps large integers, accepts
 * lone surrogates, NaN and raw control characters, and cuts a key at \u0000, all of it silently. json-c reads without
 * loss what has passed here. */

#include "common/macro.h"

enum json_token_kind {
        JSON_TOKEN_STRING,
        JSON_TOKEN_NUMBER,
        JSON_TOKEN_WORD,        /* true, false, null */
        JSON_TOKEN_PUNCTUATION, /* one of {}[]:, */
};

struct json_token {
        enum json_token_kind kind;
        const char *text;       /* its text within the lexer's text, with the quotes of a string */
        size_t size;
        unsigned line;          /* the line where it begins, counted from 1 */
};

/* The lexer borrows its text. The reason is a static string, set when json_lexer_next() has failed. */
struct json_lexer {
        const char *position;
        const char *end;
        unsigned line;
        const char *reason;
};

/** json_lexer_init() - begin at the start of @text. */
void json_lexer_init(struct json_lexer *lexer, const char *text, size_t size);

/** json_lexer_next() - take the next token. Returns 1, 0 at the end of the text, or -EBADMSG with lexer->reason and
 * lexer->line set. It does not check whether the tokens fit together. */
int json_lexer_next(struct json_lexer *lexer, struct json_token *ret);

/** json_token_is() - whether @token is the punctuation @c. */
static inline bool json_token_is(const struct json_token *token, char c) {
        return token->kind == JSON_TOKEN_PUNCTUATION && token->text[0] == c;
}
