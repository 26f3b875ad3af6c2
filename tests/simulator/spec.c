/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a person writes to describe a parent: NAME[@CARD]:TYPE=COUNT[,TYPE=COUNT…]. */

#include <errno.h>

#include "tests/simulator/spec.h"

#define COUNT_MAX 1000000U

static int parse_count(const char *string, uint64_t *ret) {
        char *end;
        unsigned long long n;

        if (string[0] < '0' || string[0] > '9')
                return -EINVAL;

        errno = 0;
        n = strtoull(string, &end, 10);
        if (errno > 0 || *end || n > COUNT_MAX)
                return -EINVAL;

        *ret = n;
        return 0;
}

static int spec_add_type(Spec *spec, const char *string) {
        const char *equals = strchr(string, '='), *dash = strchr(string, '-');
        SpecType *type = &spec->types[spec->n_types];

        if (spec->n_types == SPEC_TYPES_MAX)
                return -E2BIG;
        if (!equals || !dash || dash == string || dash + 1 >= equals)
                return -EINVAL;

        type->name = strndup(string, (size_t) (equals - string));
        if (!type->name)
                return -ENOMEM;
        spec->n_types++;

        if (!spec->driver)
                spec->driver = strndup(string, (size_t) (dash - string));
        if (!spec->driver)
                return -ENOMEM;

        return parse_count(equals + 1, &type->count);
}

/* The name may contain colons (0000:00:02.0), types cannot. */
int spec_parse(const char *string, Spec **ret) {
        _cleanup_(spec_freep) Spec *spec = NULL;
        _cleanup_free_ char *types = NULL;
        const char *colon = strrchr(string, ':');
        char *state = NULL;
        int r;

        if (!colon || colon == string || strchr(string, '/'))
                return -EINVAL;

        spec = calloc(1, sizeof(Spec));
        types = strdup(colon + 1);
        if (!spec || !types)
                return -ENOMEM;

        spec->name = strndup(string, (size_t) (colon - string));
        if (!spec->name)
                return -ENOMEM;
        spec->card = strchr(spec->name, '@');
        if (spec->card)
                *spec->card++ = '\0';

        for (char *type = strtok_r(types, ",", &state); type; type = strtok_r(NULL, ",", &state)) {
                r = spec_add_type(spec, type);
                if (r < 0)
                        return r;
        }

        if (spec->n_types == 0)
                return -EINVAL;

        *ret = TAKE_PTR(spec);
        return 0;
}

Spec *spec_free(Spec *spec) {
        if (!spec)
                return NULL;

        for (size_t i = 0; i < spec->n_types; i++)
                free(spec->types[i].name);
        free(spec->driver);
        free(spec->name);
        free(spec);
        return NULL;
}

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b) {
        while (b > 0) {
                uint64_t rest = a % b;

                a = b;
                b = rest;
        }

        return a;
}

int spec_extend_capacity(uint64_t *capacity, uint64_t count) {
        return __builtin_mul_overflow(*capacity, count / greatest_common_divisor(*capacity, count), capacity) ?
                       -EOVERFLOW : 0;
}
