/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The text of a set. libsystemd does not export systemd's parser. Other parsers of such files treat quotes, `;` and
 * lines that go on in other ways. */

#include "common/set.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>

#include "common/number.h"
#include "common/utf8.h"

#define WHITESPACE " \t\r\n"

enum section { SECTION_NONE, SECTION_UNKNOWN, SECTION_MATCH, SECTION_FUNCTIONS };

struct parser {
        struct set *set;
        set_warning_func *warn;
        void *userdata;
        char *position;                 /* what follows the current line; NULL at the end */
        unsigned int line;              /* the number of the line that was read last */
        enum section section;
        bool short_of_memory;
};

void set_words_clear(struct set_words *words) {
        for (size_t i = 0; i < words->n; i++)
                free(words->items[i]);
        free(words->items);
        *words = (struct set_words) {};
}

void set_clear(struct set *set) {
        for (size_t i = 0; i < _SET_MATCH_MAX; i++)
                set_words_clear(&set->matches[i]);
        set_words_clear(&set->prepare);
        free(set->name);
        free(set->path);
        free(set->error);
        *set = (struct set) {};
}

/* Takes @word over. */
static int add_word(struct set_words *words, char *word) {
        char **items = word ? reallocarray(words->items, words->n + 2, sizeof(*items)) : NULL;

        if (!items) {
                free(word);
                return -ENOMEM;
        }
        items[words->n++] = word;
        items[words->n] = NULL;
        words->items = items;
        return 0;
}

/* "/etc/mediated.d/a.conf:3: …" */
static _printf_(2, 0) char *message_at(const struct parser *parser, const char *format, va_list args) {
        _cleanup_free_ char *text = NULL;
        char *message;

        if (vasprintf(&text, format, args) < 0)
                text = NULL;
        if (!text || asprintf(&message, "%s:%u: %s", parser->set->path, parser->line, text) < 0)
                return NULL;
        utf8_make_printable(message);
        return message;
}

/* The first error is the one that is kept. */
static _printf_(2, 3) void fail(struct parser *parser, const char *format, ...) {
        va_list args;

        if (parser->set->error)
                return;
        va_start(args, format);
        parser->set->error = message_at(parser, format, args);
        va_end(args);
        parser->short_of_memory |= !parser->set->error;
}

static _printf_(2, 3) void warn(struct parser *parser, const char *format, ...) {
        _cleanup_free_ char *message = NULL;
        va_list args;

        if (!parser->warn)
                return;
        va_start(args, format);
        message = message_at(parser, format, args);
        va_end(args);
        if (message)
                parser->warn(message, parser->userdata);
        else
                parser->short_of_memory = true;
}

static char *strip(char *text) {
        size_t n;

        text += strspn(text, WHITESPACE);
        n = strlen(text);
        while (n > 0 && strchr(WHITESPACE, text[n - 1]))
                n--;
        text[n] = '\0';
        return text;
}

/* A backslash that is itself escaped continues nothing. */
static bool goes_on(const char *line, size_t size) {
        size_t n = 0;

        while (n < size && line[size - 1 - n] == '\\')
                n++;
        return n % 2 == 1;
}

/* Returns the next line without the whitespace around it, joined with those that continue it; or NULL. Comments between
 * these are left out. */
static char *next_line(struct parser *parser) {
        char *joined = NULL;
        size_t size = 0;

        while (parser->position) {
                char *line = strip(strsep(&parser->position, "\n"));
                size_t n = strlen(line);

                parser->line++;
                if (*line == '#' || *line == ';')
                        continue;
                if (!joined)
                        joined = line;
                /* The joined line ends before this one begins, so there is room. */
                memmove(joined + size, line, n + 1);
                size += n;
                if (!goes_on(joined, size))
                        return joined;
                joined[size - 1] = ' ';
        }
        return joined;
}

/* Takes one word with its quotes. Within quotes, and elsewhere, a backslash makes the next character an ordinary one.
 * Returns 1, 0 at the end of the text, or a negative errno: -EINVAL for a quote that does not end. */
static int next_word(const char **text, char **ret) {
        const char *p = *text + strspn(*text, WHITESPACE);
        _cleanup_free_ char *word = NULL;
        char quote = '\0';
        size_t n = 0;

        if (!*p)
                return 0;
        word = malloc(strlen(p) + 1);
        if (!word)
                return -ENOMEM;
        for (; *p && (quote || !strchr(WHITESPACE, *p)); p++) {
                if (*p == '\\' && p[1])
                        word[n++] = *++p;
                else if (quote ? *p == quote : *p == '"' || *p == '\'')
                        quote = quote ? '\0' : *p;
                else
                        word[n++] = *p;
        }
        if (quote)
                return -EINVAL;
        word[n] = '\0';
        *text = p;
        *ret = TAKE_PTR(word);
        return 1;
}

static int split(const char *text, struct set_words *ret) {
        char *word;
        int r;

        while ((r = next_word(&text, &word)) > 0) {
                r = add_word(ret, word);
                if (r < 0)
                        return r;
        }
        return r;
}

static bool specifiers_are_known(const char *word) {
        for (const char *p = word; (p = strchr(p, '%')); p += 2)
                if (p[1] != 'c' && p[1] != '%')
                        return false;
        return true;
}

static void parse_prepare(struct parser *parser, const char *value) {
        struct set_words *words = &parser->set->prepare;
        int r;

        set_words_clear(words);
        r = split(value, words);
        if (r == -ENOMEM)
                parser->short_of_memory = true;
        else if (r < 0)
                fail(parser, "Prepare= has a quote that does not end");
        else if (words->n > 0 && words->items[0][0] != '/')
                fail(parser, "Prepare=%s: the program needs its full path, such as /usr/lib/nvidia/sriov-manage",
                     words->items[0]);
        for (size_t i = 0; i < words->n; i++)
                if (!specifiers_are_known(words->items[i]))
                        fail(parser, "Prepare= has an unknown specifier in '%s'; %%c is the card's name, and %%%% is a "
                             "percent sign", words->items[i]);
}

static void parse_count(struct parser *parser, const char *value) {
        struct set *set = parser->set;

        set->all = streq(value, "all");
        set->count = 0;
        if (set->all || !*value)
                return;
        if (!number_parse(value, 0, UINT16_MAX, &set->count))
                fail(parser, "Count=%s is neither 'all' nor a number from 1 to %u", value, UINT16_MAX);
        else if (set->count == 0)
                fail(parser, "Count=0 is refused: mediated never disables virtual functions");
}

/* As in systemd.network(5), a "!" before the list inverts the whole list, and an empty value empties it. */
static void parse_match(struct parser *parser, struct set_words *globs, const char *value) {
        _cleanup_set_words_ struct set_words words = {};
        bool inverted = *value == '!';
        int r = 0;

        if (!*value) {
                set_words_clear(globs);
                return;
        }
        r = split(value + inverted, &words);
        if (r == -EINVAL) {
                fail(parser, "The list has a quote that does not end");
                return;
        }
        for (size_t i = 0; r >= 0 && i < words.n; i++) {
                char *glob;

                if (asprintf(&glob, "%s%s", inverted ? "!" : "", words.items[i]) < 0)
                        glob = NULL;
                r = add_word(globs, glob);
        }
        parser->short_of_memory |= r < 0;
}

static void parse_section(struct parser *parser, char *line) {
        size_t n = strlen(line);

        parser->section = SECTION_UNKNOWN;
        if (line[n - 1] != ']') {
                fail(parser, "'%s' is no section: its ] is missing", line);
                return;
        }
        line[n - 1] = '\0';
        line++;
        if (streq(line, "Match"))
                parser->section = SECTION_MATCH;
        else if (streq(line, "VirtualFunctions")) {
                parser->section = SECTION_FUNCTIONS;
                parser->set->has_functions = true;
        } else if (strncmp(line, "X-", 2) != 0)
                warn(parser, "This version does not know the section [%s], and ignores it", line);
}

static void parse_assignment(struct parser *parser, char *line) {
        static const char *const match_keys[_SET_MATCH_MAX] = {
                [SET_MATCH_CARD] = "Card",
                [SET_MATCH_DRIVER] = "Driver",
                [SET_MATCH_PCI_DEVICE] = "PCIDevice",
        };
        char *value = strchr(line, '='), *key;

        if (parser->section == SECTION_UNKNOWN)
                return;
        if (!value || parser->section == SECTION_NONE) {
                fail(parser, value ? "'%s' is before the first section" : "'%s' has no '='", line);
                return;
        }
        *value = '\0';
        value = strip(value + 1);
        key = strip(line);

        if (parser->section == SECTION_MATCH)
                for (size_t i = 0; i < _SET_MATCH_MAX; i++)
                        if (streq(key, match_keys[i])) {
                                parse_match(parser, &parser->set->matches[i], value);
                                return;
                        }
        if (parser->section == SECTION_FUNCTIONS && streq(key, "Count"))
                parse_count(parser, value);
        else if (parser->section == SECTION_FUNCTIONS && streq(key, "Prepare"))
                parse_prepare(parser, value);
        else if (strncmp(key, "X-", 2) != 0)
                warn(parser, "This version does not know %s= in this section, and ignores it", key);
}

int set_parse(struct set *set, const char *text, size_t size, set_warning_func *warn_func, void *userdata) {
        struct parser parser = { .set = set, .warn = warn_func, .userdata = userdata };
        _cleanup_free_ char *copy = strndup(text, size);
        char *line;

        if (!copy)
                return -ENOMEM;
        parser.position = copy;
        if (memchr(text, '\0', size) || !utf8_is_valid(text, size))
                fail(&parser, "This is not a text in UTF-8");
        while (!set->error && (line = next_line(&parser))) {
                if (*line == '[')
                        parse_section(&parser, line);
                else if (*line)
                        parse_assignment(&parser, line);
        }
        if (set->prepare.n > 0 && (set->all || set->count > 0))
                fail(&parser, "Count= and Prepare= exclude each other: the program says how many virtual functions "
                     "there are");
        return parser.short_of_memory ? -ENOMEM : 0;
}

static bool words_match(const struct set_words *globs, const char *text, const char *shorter) {
        bool matches = false, wanted = false;

        for (size_t i = 0; i < globs->n; i++) {
                bool inverted = globs->items[i][0] == '!';
                const char *glob = globs->items[i] + inverted;
                bool found = text && (fnmatch(glob, text, 0) == 0 || (shorter && fnmatch(glob, shorter, 0) == 0));

                if (inverted && found)
                        return false;
                wanted |= !inverted;
                matches |= found;
        }
        return matches || !wanted;
}

bool set_matches(const struct set *set, const struct set_card *card) {
        const char *const texts[_SET_MATCH_MAX] = {
                [SET_MATCH_CARD] = card->name,
                [SET_MATCH_DRIVER] = card->driver,
                [SET_MATCH_PCI_DEVICE] = card->pci_device,
        };
        bool any = false;

        for (size_t i = 0; i < _SET_MATCH_MAX; i++) {
                /* The domain 0000 can be left out, as lspci(8) does. */
                bool short_form = i == SET_MATCH_CARD && strncmp(card->name, "0000:", 5) == 0;

                if (!words_match(&set->matches[i], texts[i], short_form ? card->name + 5 : NULL))
                        return false;
                any |= set->matches[i].n > 0;
        }
        return any;
}

bool set_asks(const struct set *set) {
        return set->error || set->all || set->count > 0 || set->prepare.n > 0;
}

static char *expand(const char *word, const char *card) {
        char *text = NULL;
        size_t size;
        FILE *f;

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;
        for (const char *p = word; *p; p++)
                if (*p != '%')
                        fputc(*p, f);
                else if (*++p == 'c')
                        fputs(card, f);
                else
                        fputc('%', f);
        if (fclose(f) == 0)
                return text;
        free(text);
        return NULL;
}

int set_command(const struct set *set, const char *card, struct set_words *ret) {
        _cleanup_set_words_ struct set_words words = {};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < set->prepare.n; i++)
                r = add_word(&words, expand(set->prepare.items[i], card));
        if (r < 0)
                return r;
        *ret = words;
        words = (struct set_words) {};
        return 0;
}
