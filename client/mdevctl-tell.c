/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What mdevctl says on standard error. */

#include "client/mdevctl-tell.h"

#include <errno.h>
#include <stdarg.h>

_printf_(1, 0) static void print_error(const char *format, va_list arguments) {
        fputs("Error: ", stderr);
        vfprintf(stderr, format, arguments);
        fputc('\n', stderr);
}

int mdevctl_fail(const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        print_error(format, arguments);
        va_end(arguments);
        return EXIT_FAILURE;
}

int mdevctl_fail_because(const char *cause, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        print_error(format, arguments);
        va_end(arguments);
        fprintf(stderr, "\nCaused by:\n    %s\n", cause);
        return EXIT_FAILURE;
}

int mdevctl_fail_errno(int error, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        print_error(format, arguments);
        va_end(arguments);
        fprintf(stderr, "\nCaused by:\n    %s (os error %d)\n", strerror(abs(error)), abs(error));
        return EXIT_FAILURE;
}

void mdevctl_warn(const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(&text, format, arguments) < 0)
                text = NULL;
        va_end(arguments);
        fprintf(stderr, "Warning: %s\n", text ? text : format);
}

char *mdevctl_quote(const char *text) {
        char *quoted = malloc(2 * strlen(text) + 3), *p = quoted;

        if (!quoted)
                return strdup("?");

        *p++ = '"';
        for (; *text; text++) {
                static const char plain[] = "\"\\\n\t\r", escape[] = "\"\\ntr";
                const char *found = strchr(plain, *text);

                if (found)
                        *p++ = '\\';
                *p++ = found ? escape[found - plain] : *text;
        }
        *p++ = '"';
        *p = '\0';
        return quoted;
}
