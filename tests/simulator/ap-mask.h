/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A set of the numbers 0 to 255, which are adapters or domains of IBM Z's crypto, and how the kernel writes it. */

#include <stdint.h>

#include "common/macro.h"

#define AP_NUMBERS 256U

typedef struct ApMask {
        uint8_t bytes[AP_NUMBERS / 8];  /* 0 is the highest bit of the first byte */
} ApMask;

bool ap_mask_has(const ApMask *mask, unsigned number);
void ap_mask_put(ApMask *mask, unsigned number, bool value);
bool ap_mask_is_empty(const ApMask *mask);
bool ap_mask_meets(const ApMask *a, const ApMask *b);
int ap_mask_parse(const char *text, ApMask *ret);
int ap_mask_print(const ApMask *mask, char *text);

int ap_number_parse(const char *text, unsigned max, unsigned *ret);
