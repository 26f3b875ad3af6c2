/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages in mdevctl's form. */

#include "client/mdevctl/tell.h"

#include <errno.h>

#include "client/output/terminal.h"
#include "common/utf8.h"

void mdevctl_put(const char *text) {
        static int on_terminal = -1;

        if (on_terminal < 0)
                on_terminal = isatty(STDOUT_FILENO);
        if (on_terminal)
                put_printable(stdout, text);
        else
                fputs_unlocked(text, stdout);
}

void mdevctl_say_va(const char *format, va_list arguments) {
        _cleanup_free_ char *text = NULL;

        if (vasprintf(&text, format, arguments) < 0) {
                fputs(strerror(ENOMEM), stderr);
                return;
        }
        if (isatty(STDERR_FILENO))
                utf8_make_printable(text);
        fputs(text, stderr);
}

void mdevctl_say(const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        mdevctl_say_va(format, arguments);
        va_end(arguments);
}

_printf_(2, 0) static void say_line(const char *kind, const char *format, va_list arguments) {
        fputs(kind, stderr);
        mdevctl_say_va(format, arguments);
        fputc('\n', stderr);
}

int mdevctl_fail(const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        say_line("Error: ", format, arguments);
        va_end(arguments);
        return EXIT_FAILURE;
}

int mdevctl_fail_because(const char *cause, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        say_line("Error: ", format, arguments);
        va_end(arguments);
        mdevctl_say("\nCaused by:\n    %s\n", cause);
        return EXIT_FAILURE;
}

int mdevctl_fail_errno(int error, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        say_line("Error: ", format, arguments);
        va_end(arguments);
        mdevctl_say("\nCaused by:\n    %s (os error %d)\n", strerror(abs(error)), abs(error));
        return EXIT_FAILURE;
}

void mdevctl_warn(const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        say_line("Warning: ", format, arguments);
        va_end(arguments);
}

int mdevctl_character_size(const char *text) {
        int n = 1;

        while (*text && ((unsigned char) text[n] & 0xc0) == 0x80)
                n++;
        return n;
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
