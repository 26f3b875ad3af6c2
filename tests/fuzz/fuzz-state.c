/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever lies in /run/mediated when a daemon starts: an intent is one with names that stay below their directories,
 * or is refused; what is not named after a UUID is none; and a record of another registration has nothing tried. The
 * input is a byte for the phase, and then, each ended by a NUL, the text of an intent, that of a registration's
 * identity, and the name of a file that somebody left there. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "common/intent.h"
#include "common/name.h"
#include "common/root.h"
#include "common/uuid.h"
#include "daemon/autostart/tried.h"
#include "tests/fuzz/fuzz.h"

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define OTHER_UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"
#define RECORD TRIED_DIRECTORY "/mtty"
#define IDENTITY "5 7"

static struct parent parent = { .name = (char *) "mtty", .types_dev = 5, .types_inode = 7 };

static void check_equal(const struct intent *a, const struct intent *b) {
        MUST(streq(a->parent, b->parent) && streq(a->type, b->type) && a->pid == b->pid);
        MUST(a->start_time == b->start_time && a->inode == b->inode && a->autostart == b->autostart);
}

static void check_phases(const struct intent *intent) {
        _cleanup_intent_ struct intent again = {}, moved = {};

        MUST(intent_store(UUID, intent) == 0 && intent_load(UUID, &again) == 0);
        check_equal(intent, &again);
        MUST(again.writing == intent->writing);
        MUST(intent_set_writing(UUID, !intent->writing) == 0 && intent_load(UUID, &moved) == 0);
        check_equal(intent, &moved);
        MUST(moved.writing == !intent->writing);
}

static void check_intent(const char *text, bool writing) {
        _cleanup_intent_ struct intent intent = {};
        const char *reason;

        /* An empty target, or one of more than a path, cannot be. */
        if (symlinkat(text, root_fd(), writing ? INTENT_DIRECTORY "/" UUID ".writing"
                                               : INTENT_DIRECTORY "/" UUID ".prepared") < 0)
                return;
        if (intent_load(UUID, &intent) == 0) {
                MUST(type_name_check(intent.parent, &reason) == 0 && type_name_check(intent.type, &reason) == 0);
                MUST(intent.pid >= 0 && intent.writing == writing);
                check_phases(&intent);
        }
        MUST(intent_remove(UUID) == 0);
        MUST(intent_load(UUID, &intent) == -ENOENT);
}

static int count(const char *uuid, void *userdata) {
        int *n = userdata;

        MUST(uuid_is_normal(uuid));
        (*n)++;
        return 0;
}

/* A file of any name is listed at most once, and only by the UUID that it is named after. */
static void check_names(const char *name) {
        char path[PATH_MAX];
        int n = 0;

        if (!*name || strchr(name, '/') || strlen(name) > NAME_MAX || streq(name, ".") || streq(name, ".."))
                return;
        snprintf(path, sizeof(path), INTENT_DIRECTORY "/%s", name);
        fuzz_put(path, "{}", 2);
        MUST(intent_list(count, &n) == 0);
        MUST(n == 0 || (n == 1 && (streq(name + UUID_TEXT_SIZE - 1, ".writing") ||
                                   streq(name + UUID_TEXT_SIZE - 1, ".prepared"))));
        (void) unlinkat(root_fd(), path, 0);
}

static void check_registration(const char *identity) {
        bool same = streq(identity, IDENTITY) || streq(identity, IDENTITY "\n");

        fuzz_put(RECORD "/.identity", identity, strlen(identity));
        fuzz_put(RECORD "/" UUID, "", 0);
        MUST(tried_begin(&parent) == 0);
        MUST(tried_has("mtty", UUID) == same);

        MUST(tried_add("mtty", OTHER_UUID) == 0);
        MUST(tried_begin(&parent) == 0);
        MUST(tried_has("mtty", OTHER_UUID) && tried_has("mtty", UUID) == same);
        MUST(tried_remove("mtty", OTHER_UUID) == 0);
        MUST(!tried_has("mtty", OTHER_UUID));
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        fuzz_root();
        MUST(mkdirat(root_fd(), "run", 0755) == 0 && mkdirat(root_fd(), "run/mediated", 0755) == 0);
        MUST(mkdirat(root_fd(), INTENT_DIRECTORY, 0755) == 0 && mkdirat(root_fd(), TRIED_DIRECTORY, 0755) == 0);
        MUST(mkdirat(root_fd(), RECORD, 0755) == 0);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = { (const char *) data, size };
        bool writing = input_take_byte(&input) & 1;
        _cleanup_free_ char *intent = input_take_string(&input, '\0'), *identity = input_take_string(&input, '\0'),
                            *name = input_take_string(&input, '\0');
        int lowest = fuzz_lowest_fd();

        check_intent(intent, writing);
        check_registration(identity);
        check_names(name);
        MUST(fuzz_lowest_fd() == lowest);
        return 0;
}
