/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file of mediated.d: whatever is in it, it either has an error that says where, or what it says can be done. */

#include "common/set.h"
#include "common/utf8.h"
#include "tests/fuzz/fuzz.h"

static void check_warning(const char *warning, void *userdata) {
        MUST(strncmp(warning, "/f:", 3) == 0 && utf8_is_valid(warning, strlen(warning)));
}

static void check_command(const struct set *set) {
        _cleanup_set_words_ struct set_words words = {};

        MUST(set->prepare.items[0][0] == '/');
        MUST(set_command(set, "0000:3d:00.0", &words) == 0);
        MUST(words.n == set->prepare.n && !words.items[words.n]);
        for (size_t i = 0; i < words.n; i++)
                MUST(strchr(set->prepare.items[i], '%') || streq(words.items[i], set->prepare.items[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct set_card card = { "0000:3d:00.0", "nvidia", "10de:26b9" }, bare = { "0001:3d:00.0" };
        _cleanup_set_ struct set set = { .name = strdup("f"), .path = strdup("/f") };

        MUST(size > SET_SIZE_MAX || set_parse(&set, (const char *) data, size, check_warning, NULL) == 0);
        (void) set_matches(&set, &card);
        (void) set_matches(&set, &bare);
        if (set.error) {
                MUST(strncmp(set.error, "/f:", 3) == 0 && utf8_is_valid(set.error, strlen(set.error)));
                return 0;
        }
        MUST(set.has_functions || (!set.all && set.count == 0 && set.prepare.n == 0));
        MUST(set.prepare.n == 0 || (!set.all && set.count == 0));
        if (set.prepare.n > 0)
                check_command(&set);
        return 0;
}
