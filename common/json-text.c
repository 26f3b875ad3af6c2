/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON text to json-c's objects and back. */

#include <errno.h>
#include <json-c/json_tokener.h>
#include <json-c/json_visit.h>

#include "common/json-lexer.h"
#include "common/json-text.h"
#include "common/utf8.h"

DEFINE_CLEANUP_FUNC(json_tokener *, json_tokener_free)

static unsigned line_of(const char *text, size_t offset) {
        unsigned line = 1;

        for (size_t i = 0; i < offset; i++)
                if (text[i] == '\n')
                        line++;
        return line;
}

static int fail(struct json_text_error *ret_error, unsigned line, const char *reason) {
        *ret_error = (struct json_text_error){ .line = line, .reason = reason };
        return -EBADMSG;
}

/* What json-c would take or read with a loss. That the tokens fit together is left to it. */
static int check_tokens(const char *text, size_t size, bool any, struct json_text_error *ret_error) {
        struct json_lexer lexer;
        struct json_token token;
        bool first = true;
        int depth = 0, r;

        json_lexer_init(&lexer, text, size);
        while ((r = json_lexer_next(&lexer, &token)) > 0) {
                if (first && !any && !json_token_is(&token, '{'))
                        return fail(ret_error, token.line, "not an object");
                first = false;

                if (json_token_is(&token, '{') || json_token_is(&token, '['))
                        depth++;
                else if (json_token_is(&token, '}') || json_token_is(&token, ']'))
                        depth--;
                if (depth > JSON_TEXT_DEPTH_MAX)
                        return fail(ret_error, token.line, "nested too deeply");
        }
        if (r < 0)
                return fail(ret_error, lexer.line, lexer.reason);
        return 0;
}

static int parse(const char *text, size_t size, bool any, json_object **ret, struct json_text_error *ret_error) {
        _cleanup_(json_tokener_freep) json_tokener *tokener = NULL;
        _cleanup_json_ json_object *object = NULL;
        enum json_tokener_error error;
        size_t valid;
        int r;

        if (size > INT32_MAX)
                return fail(ret_error, 0, "too large");
        valid = utf8_valid_size(text, size);
        if (valid != size)
                return fail(ret_error, line_of(text, valid), "not valid UTF-8");
        r = check_tokens(text, size, any, ret_error);
        if (r < 0)
                return r;

        /* json-c counts a value in the innermost list as a level of its own. */
        tokener = json_tokener_new_ex(JSON_TEXT_DEPTH_MAX + 1);
        if (!tokener)
                return -ENOMEM;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        object = json_tokener_parse_ex(tokener, text, (int) size);
        error = json_tokener_get_error(tokener);
        if (error == json_tokener_continue)
                return fail(ret_error, line_of(text, size), "ends too early");
        if (error != json_tokener_success)
                return fail(ret_error, line_of(text, json_tokener_get_parse_end(tokener)),
                            json_tokener_error_desc(error));

        *ret = TAKE_PTR(object);
        return 0;
}

int json_text_parse(const char *text, size_t size, json_object **ret, struct json_text_error *ret_error) {
        return parse(text, size, false, ret, ret_error);
}

int json_text_parse_any(const char *text, size_t size, json_object **ret, struct json_text_error *ret_error) {
        return parse(text, size, true, ret, ret_error);
}

/* json-c breaks the line inside an empty list or object, serde_json does not. */
static int set_serializer(json_object *object, int flags, json_object *parent, const char *key, size_t *index,
                          void *userdata) {
        bool empty;
        char *text;

        if (json_object_is_type(object, json_type_array)) {
                empty = json_object_array_length(object) == 0;
                text = (char *) "[]";
        } else if (json_object_is_type(object, json_type_object)) {
                empty = json_object_object_length(object) == 0;
                text = (char *) "{}";
        } else
                return JSON_C_VISIT_RETURN_CONTINUE;

        json_object_set_serializer(object, empty ? json_object_userdata_to_json_string : NULL,
                                   empty ? text : NULL, NULL);
        return JSON_C_VISIT_RETURN_CONTINUE;
}

int json_text_format(json_object *object, char **ret) {
        const char *text;
        char *copy;

        if (json_c_visit(object, 0, set_serializer, NULL) < 0)
                return -ENOMEM;
        text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                              JSON_C_TO_STRING_NOSLASHESCAPE);
        if (!text)
                return -ENOMEM;
        copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

static bool token_is_key(const struct json_token *token, const char *key) {
        return token->kind == JSON_TOKEN_STRING && token->size == strlen(key) + 2 &&
               memcmp(token->text + 1, key, token->size - 2) == 0;
}

unsigned json_text_find(const char *text, size_t size, const char *key, int index) {
        unsigned depth = 0, line = 0;
        struct json_lexer lexer;
        struct json_token token;
        bool in_key = false;
        char previous = 0;
        int element = -1;

        json_lexer_init(&lexer, text, size);
        while (json_lexer_next(&lexer, &token) > 0) {
                bool first = previous == '{' || previous == '[' || previous == ',';

                if (json_token_is(&token, '}') || json_token_is(&token, ']'))
                        depth--;
                if (depth == 1 && first) {
                        in_key = token_is_key(&token, key);
                        element = -1;
                        if (in_key && index < 0)
                                line = token.line;
                } else if (depth == 2 && first && in_key) {
                        element++;
                        if (element == index)
                                line = token.line;
                }
                if (json_token_is(&token, '{') || json_token_is(&token, '['))
                        depth++;
                previous = token.kind == JSON_TOKEN_PUNCTUATION ? token.text[0] : 0;
        }
        return line;
}
