/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What `mediatectl check` has found. */

#include "client/mediatectl/findings.h"

#include <errno.h>
#include <stdarg.h>

#include "client/shared/array.h"

int finding_add(struct findings *findings, enum severity severity, const char *id, const char *subject,
                const char *message, const char *advice) {
        struct finding *finding = array_add(&findings->items, &findings->n, sizeof(*finding));

        if (!finding)
                return -ENOMEM;
        *finding = (struct finding) {
                .severity = severity,
                .id = id,
                .subject = subject ? strdup(subject) : NULL,
                .message = message ? strdup(message) : NULL,
                .advice = advice ? strdup(advice) : NULL,
        };
        return (subject && !finding->subject) || !finding->message || !finding->advice ? -ENOMEM : 0;
}

char *finding_text(const char *format, ...) {
        va_list args;
        char *text;
        int n;

        va_start(args, format);
        n = vasprintf(&text, format, args);
        va_end(args);
        return n < 0 ? NULL : text;
}

void findings_clear(struct findings *findings) {
        for (size_t i = 0; i < findings->n; i++) {
                free(findings->items[i].subject);
                free(findings->items[i].message);
                free(findings->items[i].advice);
        }
        free(findings->items);
        *findings = (struct findings) {};
}
