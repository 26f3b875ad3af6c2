/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A set of the numbers 0 to 255, which are adapters or domains of IBM Z's crypto, and how the kernel writes it (kernel:
 * ap_hex2bitmap() of drivers/s390/crypto/ap_bus.c). */

#include <ctype.h>
#include <errno.h>

#include "tests/simulator/ap-mask.h"

bool ap_mask_has(const ApMask *mask, unsigned number) {
        return mask->bytes[number / 8] & (0x80 >> number % 8);
}

void ap_mask_put(ApMask *mask, unsigned number, bool value) {
        uint8_t bit = (uint8_t) (0x80 >> number % 8);

        mask->bytes[number / 8] = (uint8_t) (value ? mask->bytes[number / 8] | bit : mask->bytes[number / 8] & ~bit);
}

bool ap_mask_meets(const ApMask *a, const ApMask *b) {
        for (size_t i = 0; i < ELEMENTSOF(a->bytes); i++)
                if (a->bytes[i] & b->bytes[i])
                        return true;

        return false;
}

bool ap_mask_is_empty(const ApMask *mask) {
        return !ap_mask_meets(mask, mask);
}

/* Hexadecimal digits from number 0 on; those that are missing at the end are 0. */
int ap_mask_parse(const char *text, ApMask *ret) {
        ApMask mask = {.bytes = {0}};
        unsigned number = 0;

        if (strncmp(text, "0x", 2) == 0)
                text += 2;
        for (; isxdigit((unsigned char) *text) && number < AP_NUMBERS; text++, number += 4) {
                const char digit[] = {*text, '\0'};
                unsigned long value = strtoul(digit, NULL, 16);

                for (unsigned i = 0; i < 4; i++)
                        ap_mask_put(&mask, number + i, value & (8U >> i));
        }
        if (*text == '\n')
                text++;
        if (*text)
                return -EINVAL;

        *ret = mask;
        return 0;
}

int ap_mask_print(const ApMask *mask, char *text) {
        int n = sprintf(text, "0x");

        for (size_t i = 0; i < ELEMENTSOF(mask->bytes); i++)
                n += sprintf(text + n, "%02x", mask->bytes[i]);
        return n;
}

/* One number in any notation of C, as kstrtoul() reads it. */
int ap_number_parse(const char *text, unsigned max, unsigned *ret) {
        unsigned long number;
        char *end;

        if (!isdigit((unsigned char) text[*text == '+']))
                return -EINVAL;
        errno = 0;
        number = strtoul(text, &end, 0);
        if (errno > 0)
                return -errno;
        if (*end == '\n')
                end++;
        if (*end)
                return -EINVAL;
        if (number > max)
                return -ENODEV;

        *ret = (unsigned) number;
        return 0;
}
