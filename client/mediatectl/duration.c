/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Durations as a person writes them. */

#include "client/mediatectl/duration.h"

#include <ctype.h>
#include <errno.h>

static const struct {
        const char *name;
        uint64_t usec;
} units[] = {
        { "", USEC_PER_SEC },
        { "us", 1 },
        { "ms", USEC_PER_MSEC },
        { "s", USEC_PER_SEC },
        { "sec", USEC_PER_SEC },
        { "m", 60 * USEC_PER_SEC },
        { "min", 60 * USEC_PER_SEC },
        { "h", 3600 * USEC_PER_SEC },
};

int duration_parse(const char *text, uint64_t *ret_usec) {
        double number;
        char *end;

        if (streq(text, "infinity")) {
                *ret_usec = 0;
                return 0;
        }

        /* strtod() also accepts signs, blanks, "nan" and hexadecimal numbers. */
        if (text[strspn(text, "0123456789.")] == 'x' || !isdigit((unsigned char) text[0]))
                return -EINVAL;
        number = strtod(text, &end);

        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (streq(end, units[i].name)) {
                        /* Nobody waits longer than a year, which is far from an overflow. */
                        if (number * (double) units[i].usec > 366.0 * 86400 * USEC_PER_SEC)
                                return -ERANGE;
                        *ret_usec = (uint64_t) (number * (double) units[i].usec + 0.5);
                        return 0;
                }

        return -EINVAL;
}
