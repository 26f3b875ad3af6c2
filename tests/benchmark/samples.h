/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Measured times of one kind. */

#include "common/macro.h"

struct samples {
        const char *name;
        uint64_t *nsec;
        size_t n;
        size_t n_allocated;
};

/** monotonic_nsec() - the clock to measure with. */
uint64_t monotonic_nsec(void);

/** samples_add() - add a time. Returns 0 or -ENOMEM. */
int samples_add(struct samples *samples, uint64_t nsec);

/** samples_quantile() - the smallest time that @percent of all times do not exceed, in µs; 0 without any. */
double samples_quantile(struct samples *samples, unsigned int percent);

/** samples_print() - two lines, `NAME_median VALUE us` and `NAME_p99 VALUE us`. */
void samples_print(struct samples *samples);

void samples_clear(struct samples *samples);
