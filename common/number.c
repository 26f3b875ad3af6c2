/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Numbers in command lines and files of settings. */

#include "common/number.h"

#include <ctype.h>
#include <stdlib.h>

bool number_parse(const char *text, unsigned int min, unsigned int max, unsigned int *ret) {
        unsigned long n;
        char *end;

        /* strtoul() accepts blanks and signs. A number that is too large for it is larger than @max. */
        n = strtoul(text, &end, 10);
        if (!isdigit((unsigned char) *text) || *end || n < min || n > max)
                return false;
        *ret = (unsigned int) n;
        return true;
}
