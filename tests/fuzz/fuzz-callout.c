/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever a callout prints, on standard output as JSON, or on standard error as a reason: it is taken as text that
 * D-Bus can carry, or not at all, and a list of attributes means what a definition with that list means. */

#include <sys/socket.h>

#include "common/definition.h"
#include "common/protocol.h"
#include "common/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "worker/callout-reply.h"

/* They travel to the daemon. */
static void check_report(const struct attributes *attributes) {
        _cleanup_report_ struct report report = { .kind = REPORT_DONE, .has_attributes = true }, received = {};
        _cleanup_json_ json_object *object = NULL;
        static int fds[2] = { -1, -1 };

        if (fds[0] < 0)
                MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
        MUST(attributes_copy(attributes, &report.attributes) == 0);
        MUST(report_send(fds[0], &report) == 0 && message_receive(fds[1], &object) == 1);
        MUST(report_parse(object, &received) == 0);
        MUST(attributes_equal(attributes, &received.attributes));
}

static void check_attributes(const char *text) {
        _cleanup_attributes_ struct attributes attributes = {};
        _cleanup_definition_ struct definition *definition = NULL;
        _cleanup_free_ char *file = NULL;
        struct definition_error error;

        if (callout_reply_attributes(text, &attributes) <= 0)
                return;
        check_report(&attributes);

        /* A definition is read by stricter rules, but where it is one it says the same. */
        MUST(asprintf(&file, "{\"mdev_type\": \"x\", \"start\": \"auto\", \"attrs\": %s}", text) > 0);
        if (definition_parse(file, strlen(file), &definition, &error) >= 0)
                MUST(attributes_equal(definition_attributes(definition), &attributes));
}

static void check_reason(const char *text) {
        _cleanup_free_ char *printable = strdup(text), *again = NULL;
        size_t size = strlen(text);

        MUST(printable);
        utf8_make_printable(printable);
        MUST(strlen(printable) == size && utf8_is_valid(printable, size));
        for (const char *p = printable; *p; p++)
                MUST(*p == '\n' || *p == '\t' || ((unsigned char) *p >= ' ' && *p != 0x7f));
        again = strdup(printable);
        utf8_make_printable(again);
        MUST(streq(printable, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = { (const char *) data, size };
        struct callout_capabilities capabilities = {};
        _cleanup_free_ char *text = input_take_string(&input, '\0');

        (void) callout_reply_capabilities(NULL, &capabilities);
        if (callout_reply_capabilities(text, &capabilities))
                MUST(!callout_supports(&capabilities, "live", "modify") || strstr(text, "live") || strchr(text, '\\'));
        check_attributes(text);
        check_reason(text);
        return 0;
}
