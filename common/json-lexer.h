/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The tokens of a JSON text, as strict as RFC 8259 is. json-c 0.16 clamps large integers, takes lone surrogates, NaN
 * and raw control characters, and cuts a key at \u0000, silently; what passes here it reads without loss. */

#include "common/macro.h"

enum json_token_kind {
        JSON_TOKEN_STRING,
        JSON_TOKEN_NUMBER,
        JSON_TOKEN_WORD,        /* true, false, null */
        JSON_TOKEN_PUNCTUATION, /* one of {}[]:, */
};

struct json_token {
        enum json_token_kind kind;
        const char *text;       /* with its quotes if it is a string; belongs to the lexer's text */
        size_t size;
        unsigned line;          /* where it begins, from 1 */
};

/* Borrows its text. The reason is a static string, set when json_lexer_next() has failed. */
struct json_lexer {
        const char *position;
        const char *end;
        unsigned line;
        const char *reason;
};

/** json_lexer_init() - begin at the start of @text. */
void json_lexer_init(struct json_lexer *lexer, const char *text, size_t size);

/** json_lexer_next() - take the next token. Returns 1, 0 at the end of the text, or -EBADMSG with lexer->reason and
 * lexer->line set. Says nothing about whether the tokens make sense together. */
int json_lexer_next(struct json_lexer *lexer, struct json_token *ret);

/** json_token_is() - whether @token is the punctuation @c. */
static inline bool json_token_is(const struct json_token *token, char c) {
        return token->kind == JSON_TOKEN_PUNCTUATION && token->text[0] == c;
}
