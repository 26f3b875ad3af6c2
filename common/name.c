/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which names may become part of a path. */

#include <errno.h>

#include "common/name.h"
#include "common/utf8.h"

static bool has_control_character(const char *name, size_t size) {
        for (size_t i = 0; i < size; i++)
                if ((unsigned char) name[i] < 0x20 || name[i] == 0x7f)
                        return true;
        return false;
}

static const char *component_reason(const char *name, size_t size) {
        if (size == 0)
                return "is empty, or has an empty component";
        if (size > NAME_COMPONENT_SIZE_MAX)
                return "has a component of more than 255 bytes";
        if (name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.')))
                return "has '.' or '..' as a component";
        if (memchr(name, '/', size))
                return "contains '/'";
        if (has_control_character(name, size))
                return "contains a control character";
        if (!utf8_is_valid(name, size))
                return "is not valid UTF-8";
        return NULL;
}

int name_component_check(const char *name, size_t size, const char **ret_reason) {
        const char *reason = component_reason(name, size);

        if (!reason)
                return 0;
        *ret_reason = reason;
        return -EINVAL;
}

int type_name_check(const char *name, const char **ret_reason) {
        return name_component_check(name, strlen(name), ret_reason);
}

int parent_name_check(const char *name, const char **ret_reason) {
        int r;

        r = name_component_check(name, strlen(name), ret_reason);
        if (r < 0)
                return r;
        if (name[0] == '.') {
                *ret_reason = "begins with '.'";
                return -EINVAL;
        }
        if (streq(name, "scripts.d")) {
                *ret_reason = "is the folder of mdevctl's callouts";
                return -EINVAL;
        }
        return 0;
}
