/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* UUIDs as text, by libuuid. */

#include "common/uuid.h"

#include <errno.h>
#include <uuid/uuid.h>

#include "common/macro.h"

int uuid_normalize(const char *text, char ret[static UUID_TEXT_SIZE]) {
        uuid_t u;

        if (uuid_parse(text, u) < 0)
                return -EINVAL;

        uuid_unparse_lower(u, ret);
        return 0;
}

/* This function is called for every name in directories of 10,000. So it does not use libuuid, which reads each digit
 * by strtoul(). */
bool uuid_is_normal(const char *text) {
        static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

        for (size_t i = 0; i < sizeof(pattern) - 1; i++)
                if (pattern[i] == '-' ? text[i] != '-'
                                      : !(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'a' && text[i] <= 'f'))
                        return false;
        return text[sizeof(pattern) - 1] == '\0';
}

void uuid_random(char ret[static UUID_TEXT_SIZE]) {
        uuid_t u;

        uuid_generate_random(u);
        uuid_unparse_lower(u, ret);
}

void uuid_of_name(const char *name, char ret[static UUID_TEXT_SIZE]) {
        static const uuid_t name_space = { 0x5b, 0x1d, 0x5c, 0x0e, 0x0c, 0x3e, 0x4b, 0x7c,
                                           0x9a, 0x7e, 0x6e, 0x0f, 0x2a, 0x51, 0xd4, 0x93 };
        uuid_t u;

        uuid_generate_sha1(u, name_space, name, strlen(name));
        uuid_unparse_lower(u, ret);
}
