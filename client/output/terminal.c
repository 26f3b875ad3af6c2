/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the terminal can show, and the progress line on it. */

#include "client/output/terminal.h"

#include <langinfo.h>
#include <sys/ioctl.h>

#include "common/io.h"
#include "common/utf8.h"

/* How long something must take before it gets a progress line. */
#define PROGRESS_AFTER_USEC (500 * USEC_PER_MSEC)

/* How much of the width is left for the end of the line, "... 1234/1234". */
#define PROGRESS_END_SIZE 15

static bool progress_shown;

static bool is_dumb(void) {
        const char *term = getenv("TERM");

        return !term || !*term || streq(term, "dumb");
}

size_t terminal_width(FILE *file) {
        struct winsize size = {};

        if (!isatty(fileno(file)))
                return 0;
        if (ioctl(fileno(file), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                return 80;
        return size.ws_col;
}

bool terminal_has_colours(FILE *file) {
        const char *no_color = getenv("NO_COLOR");

        return isatty(fileno(file)) && !is_dumb() && (!no_color || !*no_color);
}

bool terminal_is_utf8(void) {
        return streq(nl_langinfo(CODESET), "UTF-8");
}

bool terminal_can_rewrite(FILE *file) {
        return isatty(fileno(file)) && !is_dumb();
}

void put_printable(FILE *file, const char *text) {
        _cleanup_free_ char *copy = strdup(text);

        if (copy)
                utf8_make_line(copy);
        fputs(copy ? copy : "?", file);
}

void put_wrapped(FILE *file, char *text, size_t used, size_t indent, size_t width) {
        utf8_make_line(text);
        while (*text) {
                size_t n = strcspn(text, " ");

                if (width > 0 && used > indent && used + 1 + n > width) {
                        fprintf(file, "\n%*s", (int) indent, "");
                        used = indent;
                } else if (used > indent) {
                        fputc(' ', file);
                        used++;
                }
                fprintf(file, "%.*s", (int) n, text);
                used += n;
                text += n + (text[n] != '\0');
        }
        fputc('\n', file);
}

void put_json(FILE *file, const char *text, size_t size) {
        const unsigned char *p = (const unsigned char *) text, *end = p + size;

        if (!isatty(fileno(file))) {
                fwrite(text, 1, size, file);
                return;
        }
        for (; p < end; p++)
                if (*p == 0x7f)
                        fprintf(file, "\\u%04x", *p);
                else if (*p == 0xc2 && end - p > 1 && p[1] < 0xa0)
                        fprintf(file, "\\u%04x", *++p);
                else
                        fputc(*p, file);
}

bool progress_is_due(uint64_t since_usec) {
        return terminal_can_rewrite(stderr) && now_usec() - since_usec >= PROGRESS_AFTER_USEC;
}

void progress_show(const char *doing, size_t done, size_t total, uint64_t since_usec) {
        const char *dots = terminal_is_utf8() ? "…" : "...";
        size_t width = terminal_width(stderr), n;

        if (!progress_is_due(since_usec))
                return;

        /* A line that is wrapped could not be erased. */
        n = utf8_cut_size(doing, width > PROGRESS_END_SIZE ? width - PROGRESS_END_SIZE : 0);
        if (total > 1)
                fprintf(stderr, "\r\033[K%.*s%s %zu/%zu", (int) n, doing, dots, done, total);
        else
                fprintf(stderr, "\r\033[K%.*s%s %u s", (int) n, doing, dots,
                        (unsigned)((now_usec() - since_usec) / USEC_PER_SEC));
        fflush(stderr);
        progress_shown = true;
}

void progress_clear(void) {
        if (!progress_shown)
                return;

        fprintf(stderr, "\r\033[K");
        fflush(stderr);
        progress_shown = false;
}
