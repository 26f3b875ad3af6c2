/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a person writes to describe a card with virtual functions: CARD:vfs=COUNT[,KEY=VALUE…][,TYPE=COUNT…]. */

#include <errno.h>

#include "tests/simulator/card-spec.h"

#define COUNT_MAX 1000000UL
#define TYPE_PREFIX "nvidia-"

bool is_pci_name(const char *name) {
        unsigned domain, bus, slot, function;
        int n = 0;

        return sscanf(name, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &n) == 4 && name[n] == '\0' &&
               n == 12;
}

static int parse_number(const char *string, unsigned long max, unsigned long *ret) {
        unsigned long n;
        char *end;

        if (string[0] < '0' || string[0] > '9')
                return -EINVAL;

        errno = 0;
        n = strtoul(string, &end, 10);
        if (errno > 0 || *end || n > max)
                return -EINVAL;

        *ret = n;
        return 0;
}

/* The value is one of two words. */
static int parse_choice(const char *value, const char *no, const char *yes, bool *ret) {
        if (!streq(value, no) && !streq(value, yes))
                return -EINVAL;

        *ret = streq(value, yes);
        return 0;
}

static int parse_functions(CardSpec *spec, const char *value) {
        unsigned long n;
        int r;

        spec->off = strncmp(value, "off:", 4) == 0;
        r = parse_number(spec->off ? value + 4 : value, CARD_FUNCTIONS_MAX, &n);
        if (r < 0)
                return r;

        spec->n_functions = (unsigned) n;
        return 0;
}

/* The names of the L40S are the real ones, as far as they are known here. */
static char *type_name(unsigned number) {
        static const char *const sizes[] = {"1B", "2B", "1Q", "2Q", "3Q", "4Q", "6Q", "8Q", "12Q", "16Q", "24Q", "48Q"};
        const unsigned first = 1145;
        char *name;
        int n;

        if (number >= first && number - first < ELEMENTSOF(sizes))
                n = asprintf(&name, "NVIDIA L40S-%s", sizes[number - first]);
        else
                n = asprintf(&name, "NVIDIA SIM-%u", number);
        return n < 0 ? NULL : name;
}

static int add_type(CardSpec *spec, const char *number, const char *value) {
        CardType *type = &spec->types[spec->n_types];
        unsigned long n, count;
        int r;

        if (spec->n_types == CARD_TYPES_MAX)
                return -E2BIG;

        r = parse_number(number, INT32_MAX, &n);
        if (r >= 0)
                r = parse_number(value, COUNT_MAX, &count);
        if (r < 0 || n == 0 || count == 0)
                return -EINVAL;

        *type = (CardType) {.number = (unsigned) n, .count = count, .name = type_name((unsigned) n)};
        if (!type->name)
                return -ENOMEM;

        spec->n_types++;
        return 0;
}

static int parse_word(CardSpec *spec, const char *key, const char *value) {
        bool second;
        int r;

        if (strncmp(key, TYPE_PREFIX, strlen(TYPE_PREFIX)) == 0)
                return add_type(spec, key + strlen(TYPE_PREFIX), value);
        if (streq(key, "vfs"))
                return parse_functions(spec, value);
        if (streq(key, "groups"))
                return parse_choice(value, "off", "on", &spec->groups);
        if (streq(key, "locked"))
                return parse_choice(value, "off", "on", &spec->locked);
        if (streq(key, "sizes"))
                return parse_choice(value, "mixed", "equal", &spec->equal_sizes);
        if (streq(key, "sriov")) {
                r = parse_choice(value, "program", "raw", &second);
                if (r >= 0)
                        spec->sriov = second ? SRIOV_RAW : SRIOV_PROGRAM;
                return r;
        }
        if (streq(key, "dialect")) {
                r = parse_choice(value, "nvidia", "upstream", &second);
                if (r >= 0)
                        spec->dialect = second ? DIALECT_UPSTREAM : DIALECT_NVIDIA;
                return r;
        }
        if (!streq(key, "driver") || value[0] == '\0' || strchr(value, '/'))
                return -EINVAL;

        free(spec->driver);
        spec->driver = strdup(value);
        return spec->driver ? 0 : -ENOMEM;
}

static int parse_words(CardSpec *spec, char *words) {
        char *state = NULL;

        for (char *word = strtok_r(words, ",", &state); word; word = strtok_r(NULL, ",", &state)) {
                char *value = strchr(word, '=');
                int r;

                if (!value)
                        return -EINVAL;
                *value++ = '\0';
                r = parse_word(spec, word, value);
                if (r < 0)
                        return r;
        }

        return 0;
}

int card_spec_parse(const char *string, CardSpec **ret) {
        _cleanup_(card_spec_freep) CardSpec *spec = NULL;
        _cleanup_free_ char *words = NULL;
        int r;

        spec = calloc(1, sizeof(CardSpec));
        if (!spec)
                return -ENOMEM;
        spec->groups = true;

        snprintf(spec->name, sizeof(spec->name), "%s", string);
        if (!is_pci_name(spec->name) || string[strlen(spec->name)] != ':')
                return -EINVAL;

        words = strdup(string + strlen(spec->name) + 1);
        if (!words)
                return -ENOMEM;
        r = parse_words(spec, words);
        if (r < 0)
                return r;

        if (!spec->driver)
                spec->driver = strdup("nvidia");
        if (!spec->driver)
                return -ENOMEM;
        /* Types are NVIDIA's. */
        if (spec->n_functions == 0 || (spec->n_types > 0 && !streq(spec->driver, "nvidia")))
                return -EINVAL;
        if (spec->sriov == _SRIOV_DEFAULT)
                spec->sriov = streq(spec->driver, "nvidia") && spec->dialect == DIALECT_NVIDIA ? SRIOV_PROGRAM :
                                                                                                SRIOV_RAW;

        *ret = TAKE_PTR(spec);
        return 0;
}

CardSpec *card_spec_free(CardSpec *spec) {
        if (!spec)
                return NULL;

        for (size_t i = 0; i < spec->n_types; i++)
                free(spec->types[i].name);
        free(spec->driver);
        free(spec);
        return NULL;
}
