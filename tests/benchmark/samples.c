/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Measured times of one kind: collected, sorted, printed. */

#include "tests/benchmark/samples.h"

#include <errno.h>
#include <time.h>

uint64_t monotonic_nsec(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}

int samples_add(struct samples *samples, uint64_t nsec) {
        if (samples->n == samples->n_allocated) {
                size_t n = samples->n_allocated > 0 ? samples->n_allocated * 2 : 256;
                uint64_t *p = reallocarray(samples->nsec, n, sizeof(*p));

                if (!p)
                        return -ENOMEM;
                samples->nsec = p;
                samples->n_allocated = n;
        }

        samples->nsec[samples->n++] = nsec;
        return 0;
}

static int compare(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return (x > y) - (x < y);
}

double samples_quantile(struct samples *samples, unsigned int percent) {
        size_t rank = (samples->n * percent + 99) / 100;

        if (samples->n == 0)
                return 0;

        qsort(samples->nsec, samples->n, sizeof(*samples->nsec), compare);
        return (double) samples->nsec[rank > 0 ? rank - 1 : 0] / 1000;
}

void samples_print(struct samples *samples) {
        printf("%s_median %.1f us\n", samples->name, samples_quantile(samples, 50));
        printf("%s_p99 %.1f us\n", samples->name, samples_quantile(samples, 99));
}

void samples_clear(struct samples *samples) {
        free(samples->nsec);
        *samples = (struct samples) { .name = samples->name };
}
