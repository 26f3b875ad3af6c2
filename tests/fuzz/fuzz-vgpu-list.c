/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever a driver prints as its list of types: each line gives one type at most, whose number can be written back and
 * whose name is a part of that line, and no line changes what another one gives. */

#include "common/utf8.h"
#include "common/vgpu.h"
#include "tests/fuzz/fuzz.h"
#include "worker/vgpu-list.h"

static void check_type(uint32_t number, const char *name) {
        char type[VGPU_TYPE_SIZE];
        size_t n = strlen(name);

        MUST(number > 0);
        vgpu_type(number, type);
        MUST(vgpu_number(type) == number);
        MUST(!strchr(name, '\n'));
        MUST(n == 0 || (!strchr(" \t\r", name[0]) && !strchr(" \t\r", name[n - 1])));
}

/* What the line gives by itself is what it gives among others. */
static void check_line(const char *line, uint32_t number, const char *name, bool found) {
        _cleanup_free_ char *alone = strdup(line);
        char *rest = alone;
        const char *own_name;
        uint32_t own_number;

        MUST(alone);
        MUST(vgpu_list_next(&rest, &own_number, &own_name) == found);
        MUST(!found || (own_number == number && streq(own_name, name)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = { (const char *) data, size };
        _cleanup_free_ char *text = input_take_string(&input, '\0'), *copy = strdup(text);
        char *rest = text, *lines = copy, *line;
        const char *name;
        uint32_t number;
        bool found;

        MUST(copy);
        /* As the worker does it: one name that is not text must not make the list unreadable. */
        utf8_make_printable(text);
        utf8_make_printable(copy);
        found = vgpu_list_next(&rest, &number, &name);
        while ((line = strsep(&lines, "\n"))) {
                _cleanup_free_ char *alone = strdup(line);
                char *end = alone;
                const char *ignored;
                uint32_t unused;

                MUST(alone);
                if (!vgpu_list_next(&end, &unused, &ignored)) {
                        check_line(line, 0, "", false);
                        continue;
                }
                MUST(found);
                check_type(number, name);
                check_line(line, number, name, true);
                found = vgpu_list_next(&rest, &number, &name);
        }
        MUST(!found);
        return 0;
}
