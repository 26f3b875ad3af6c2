/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Beginnings of UUIDs. */

#include "client/output/uuid-prefix.h"

#include <ctype.h>
#include <errno.h>

/* Shorter ones would soon not be unique any more. */
#define LENGTH_MIN 8

int uuid_prefix_normalize(const char *text, char ret[static UUID_TEXT_SIZE]) {
        size_t n = strlen(text);

        if (n == 0 || n >= UUID_TEXT_SIZE)
                return -EINVAL;

        for (size_t i = 0; i < n; i++) {
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;

                if (dash ? text[i] != '-' : !isxdigit((unsigned char) text[i]))
                        return -EINVAL;
        }

        for (size_t i = 0; i <= n; i++)
                ret[i] = (char) tolower((unsigned char) text[i]);
        return 0;
}

int uuid_prefix_find(const char *prefix, const char *const *uuids, size_t n, const char **ret,
                     const char **ret_other) {
        const char *found = NULL;

        for (size_t i = 0; i < n; i++) {
                if (strncmp(uuids[i], prefix, strlen(prefix)) != 0)
                        continue;
                if (found && !streq(found, uuids[i])) {
                        *ret = found;
                        *ret_other = uuids[i];
                        return -ENOTUNIQ;
                }
                found = uuids[i];
        }
        if (!found)
                return -ENOENT;

        *ret = found;
        return 0;
}

static int compare(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static size_t common_length(const char *a, const char *b) {
        size_t n = 0;

        while (a[n] && a[n] == b[n])
                n++;
        return n;
}

size_t uuid_prefix_length(const char **uuids, size_t n) {
        size_t length = LENGTH_MIN;

        if (n == 0)
                return length;

        qsort(uuids, n, sizeof(*uuids), compare);
        for (size_t i = 1; i < n; i++) {
                size_t common = common_length(uuids[i - 1], uuids[i]);

                if (uuids[i][common] && common + 1 > length)
                        length = common + 1;
        }

        return length;
}
