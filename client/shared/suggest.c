/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a person may have meant. */

#include "client/shared/suggest.h"

#include <assert.h>
#include <stdio.h>

#include "common/utf8.h"

/* The longest words that are compared. A UUID has 36 characters. */
#define WORD_SIZE_MAX 64

/* How many names a message lists. */
#define LISTED_MAX 12

static size_t min3(size_t a, size_t b, size_t c) {
        size_t m = a < b ? a : b;

        return m < c ? m : c;
}

/* The optimal string alignment distance of two words. Of its matrix only the last three rows are kept. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b) {
        size_t rows[3][WORD_SIZE_MAX + 1];

        assert(n_a <= WORD_SIZE_MAX && n_b <= WORD_SIZE_MAX);
        for (size_t j = 0; j <= n_b; j++)
                rows[0][j] = j;

        for (size_t i = 1; i <= n_a; i++) {
                size_t *row = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

                row[0] = i;
                for (size_t j = 1; j <= n_b; j++) {
                        row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                            before[j - 2] + 1 < row[j])
                                row[j] = before[j - 2] + 1;
                }
        }

        return rows[n_a % 3][n_b];
}

const char *suggest_nearest(const char *word, const char *const *candidates, size_t n, size_t edits) {
        size_t length = strlen(word), best = edits;
        const char *nearest = NULL;

        if (length == 0 || length > WORD_SIZE_MAX)
                return NULL;

        for (size_t i = 0; i < n; i++) {
                size_t size = strlen(candidates[i]), d;

                if (size > WORD_SIZE_MAX)
                        continue;
                d = strncmp(candidates[i], word, length) == 0 ? 1 : distance(word, length, candidates[i], size);
                if (d < best || (d == best && !nearest)) {
                        best = d;
                        nearest = candidates[i];
                }
        }

        return nearest;
}

char *suggest_list(const char *const *names, size_t n) {
        char *text = NULL;
        size_t size;
        FILE *file = open_memstream(&text, &size);

        if (!file)
                return NULL;
        for (size_t i = 0; i < n && i < LISTED_MAX; i++)
                fprintf(file, "%s%s", i > 0 ? ", " : "", names[i]);
        if (n > LISTED_MAX)
                fprintf(file, " and %zu more", n - LISTED_MAX);
        /* fclose() fails when memory is too short for the end of the text. The stream is closed even then. If the text
         * is empty, it only leaves NULL. */
        if (fclose(file) == EOF || !text) {
                free(text);
                return NULL;
        }
        /* Drivers choose the names. */
        utf8_make_line(text);
        return text;
}
