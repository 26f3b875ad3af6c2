/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON texts and json-c's objects.
 *
 * json-c's own parser and printer ignore that an allocation has failed: they lose parts of a text, or crash. So only
 * those of its functions are used that report it. */

#include "common/json-text.h"

#include <assert.h>
#include <errno.h>

#include "common/json-lexer.h"
#include "common/utf8.h"

static void drop(json_object **whole, json_object *value) {
        json_object_put(value);
        json_object_put(*whole);
        *whole = NULL;
}

void json_put(json_object **object, const char *key, json_object *value) {
        if (!*object || !value || json_object_object_add(*object, key, value) < 0)
                drop(object, value);
}

void json_push(json_object **list, json_object *value) {
        if (!*list || !value || json_object_array_add(*list, value) < 0)
                drop(list, value);
}

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

/* Checks each token, and how deep they are nested. Whether they make sense together is checked when they are parsed. */
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

struct parser {
        struct json_lexer lexer;
        struct json_text_error *error;
};

static int take(struct parser *parser, struct json_token *ret) {
        int r;

        r = json_lexer_next(&parser->lexer, ret);
        if (r < 0)
                return fail(parser->error, parser->lexer.line, parser->lexer.reason);
        return r > 0 ? 0 : fail(parser->error, parser->lexer.line, "unexpected end of file");
}

static uint32_t read_unit(const char *digits) {
        char text[5] = {};

        memcpy(text, digits, 4);
        return (uint32_t) strtoul(text, NULL, 16);
}

static char *put_unichar(char *p, uint32_t c) {
        if (c < 0x80)
                *p++ = (char) c;
        else if (c < 0x800) {
                *p++ = (char) (0xc0 | c >> 6);
                *p++ = (char) (0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
                *p++ = (char) (0xe0 | c >> 12);
                *p++ = (char) (0x80 | (c >> 6 & 0x3f));
                *p++ = (char) (0x80 | (c & 0x3f));
        } else {
                *p++ = (char) (0xf0 | c >> 18);
                *p++ = (char) (0x80 | (c >> 12 & 0x3f));
                *p++ = (char) (0x80 | (c >> 6 & 0x3f));
                *p++ = (char) (0x80 | (c & 0x3f));
        }
        return p;
}

/* Takes what follows a backslash. The lexer has refused what is not right. */
static const char *unescape(const char *text, char **p) {
        static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
        const char *name = strchr(names, *text);
        uint32_t c;

        if (*text != 'u') {
                *(*p)++ = name ? values[name - names] : *text;
                return text + 1;
        }
        c = read_unit(text + 1);
        text += 5;
        if (c >= 0xd800 && c <= 0xdbff) {
                c = 0x10000 + ((c - 0xd800) << 10) + (read_unit(text + 2) - 0xdc00);
                text += 6;
        }
        *p = put_unichar(*p, c);
        return text;
}

/* Returns the text of a string, which is no longer than its token, or NULL when memory is short. */
static char *decode(const struct json_token *token) {
        const char *text = token->text + 1, *end = token->text + token->size - 1;
        char *string = malloc(token->size), *p = string;

        if (!string)
                return NULL;
        while (text < end)
                if (*text == '\\')
                        text = unescape(text + 1, &p);
                else
                        *p++ = *text++;
        *p = '\0';
        return string;
}

static json_object *parse_string(const struct json_token *token) {
        _cleanup_free_ char *string = decode(token);

        return string ? json_object_new_string(string) : NULL;
}

static json_object *parse_number(const struct json_token *token) {
        _cleanup_free_ char *text = strndup(token->text, token->size);
        uint64_t n;

        if (!text)
                return NULL;
        /* The number keeps its text, and only that is used. */
        if (strpbrk(text, ".eE"))
                return json_object_new_double_s(strtod(text, NULL), text);
        if (*text == '-')
                return json_object_new_int64(strtoll(text, NULL, 10));
        n = strtoull(text, NULL, 10);
        return n > INT64_MAX ? json_object_new_uint64(n) : json_object_new_int64((int64_t) n);
}

static int parse_value(struct parser *parser, const struct json_token *token, json_object **ret);

static int parse_list(struct parser *parser, json_object **ret) {
        _cleanup_json_ json_object *list = json_object_new_array();
        struct json_token token;
        int r;

        if (!list)
                return -ENOMEM;
        r = take(parser, &token);
        if (r >= 0 && !json_token_is(&token, ']'))
                for (;;) {
                        json_object *value;

                        r = parse_value(parser, &token, &value);
                        if (r < 0)
                                return r;
                        if (json_object_array_add(list, value) < 0) {
                                json_object_put(value);
                                return -ENOMEM;
                        }
                        r = take(parser, &token);
                        if (r < 0 || json_token_is(&token, ']'))
                                break;
                        if (!json_token_is(&token, ','))
                                return fail(parser->error, token.line, "array value separator ',' expected");
                        r = take(parser, &token);
                        if (r < 0)
                                break;
                }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(list);
        return 0;
}

/* Takes a key and its value. When the key was there already, this value replaces the other. */
static int parse_member(struct parser *parser, const struct json_token *name, json_object *object) {
        _cleanup_free_ char *key = NULL;
        struct json_token token;
        json_object *value;
        int r;

        if (name->kind != JSON_TOKEN_STRING)
                return fail(parser->error, name->line, "quoted object property name expected");
        r = take(parser, &token);
        if (r < 0)
                return r;
        if (!json_token_is(&token, ':'))
                return fail(parser->error, token.line, "object property name separator ':' expected");
        r = take(parser, &token);
        if (r < 0)
                return r;
        r = parse_value(parser, &token, &value);
        if (r < 0)
                return r;
        key = decode(name);
        if (key && json_object_object_add(object, key, value) >= 0)
                return 0;
        json_object_put(value);
        return -ENOMEM;
}

static int parse_object(struct parser *parser, json_object **ret) {
        _cleanup_json_ json_object *object = json_object_new_object();
        struct json_token token;
        int r;

        if (!object)
                return -ENOMEM;
        r = take(parser, &token);
        if (r >= 0 && !json_token_is(&token, '}'))
                for (;;) {
                        r = parse_member(parser, &token, object);
                        if (r >= 0)
                                r = take(parser, &token);
                        if (r < 0 || json_token_is(&token, '}'))
                                break;
                        if (!json_token_is(&token, ','))
                                return fail(parser->error, token.line, "object value separator ',' expected");
                        r = take(parser, &token);
                        if (r < 0)
                                break;
                }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(object);
        return 0;
}

/* Calls itself as deep as check_tokens() allows. */
static int parse_value(struct parser *parser, const struct json_token *token, json_object **ret) {
        json_object *value;

        if (json_token_is(token, '{'))
                return parse_object(parser, ret);
        if (json_token_is(token, '['))
                return parse_list(parser, ret);
        if (token->kind == JSON_TOKEN_PUNCTUATION)
                return fail(parser->error, token->line, "unexpected character");

        if (token->kind == JSON_TOKEN_WORD && *token->text == 'n') {
                *ret = NULL;
                return 0;
        }
        if (token->kind == JSON_TOKEN_WORD)
                value = json_object_new_boolean(*token->text == 't');
        else
                value = token->kind == JSON_TOKEN_STRING ? parse_string(token) : parse_number(token);
        if (!value)
                return -ENOMEM;
        *ret = value;
        return 0;
}

static int parse(const char *text, size_t size, bool any, json_object **ret, struct json_text_error *ret_error) {
        struct parser parser = { .error = ret_error };
        _cleanup_json_ json_object *object = NULL;
        struct json_token token;
        int r;

        r = check_tokens(text, size, any, ret_error);
        if (r < 0)
                return r;
        json_lexer_init(&parser.lexer, text, size);
        r = take(&parser, &token);
        if (r >= 0)
                r = parse_value(&parser, &token, &object);
        if (r < 0)
                return r;
        if (json_lexer_next(&parser.lexer, &token) != 0)
                return fail(ret_error, token.line, "unexpected character");

        *ret = TAKE_PTR(object);
        return 0;
}

static int check_utf8(const char *text, size_t size, struct json_text_error *ret_error) {
        size_t valid = utf8_valid_size(text, size);

        return valid == size ? 0 : fail(ret_error, line_of(text, valid), "not valid UTF-8");
}

int json_text_parse(const char *text, size_t size, json_object **ret, struct json_text_error *ret_error) {
        int r;

        r = check_utf8(text, size, ret_error);
        return r < 0 ? r : parse(text, size, false, ret, ret_error);
}

int json_text_parse_any(const char *text, size_t size, json_object **ret, struct json_text_error *ret_error) {
        int r;

        r = check_utf8(text, size, ret_error);
        return r < 0 ? r : parse(text, size, true, ret, ret_error);
}

int json_text_parse_bytes(const char *text, size_t size, json_object **ret) {
        struct json_text_error error;

        return parse(text, size, false, ret, &error);
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

                if (json_token_is(&token, '}') || json_token_is(&token, ']')) {
                        assert(depth > 0);
                        depth--;
                }
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
