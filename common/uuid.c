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

bool uuid_is_normal(const char *text) {
        char normal[UUID_TEXT_SIZE];

        return uuid_normalize(text, normal) >= 0 && streq(text, normal);
}

void uuid_random(char ret[static UUID_TEXT_SIZE]) {
        uuid_t u;

        uuid_generate_random(u);
        uuid_unparse_lower(u, ret);
}
