/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl's messages on standard error. */

#include "client/output/tell.h"

#include <errno.h>
#include <stdarg.h>

#include "client/output/terminal.h"
#include "common/failure.h"
#include "common/utf8.h"

/* A terminal would break a long line within words. */
static void put_message(char *message) {
        size_t width = terminal_width(stderr);
        char *line;

        while ((line = strsep(&message, "\n")))
                if (width > 0 && strlen(line) > width)
                        put_wrapped(stderr, line, 0, 0, width);
                else
                        fprintf(stderr, "%s\n", line);
}

_printf_(2, 0) static void tell_va(const char *before, const char *format, va_list args, const char *after) {
        _cleanup_free_ char *text = NULL, *message = NULL;

        progress_clear();
        if (vasprintf(&text, format, args) < 0)
                text = NULL;
        /* Names, and what drivers and callouts say, may contain control characters. */
        if (text)
                utf8_make_printable(text);
        if (asprintf(&message, "%s%s%s", before, text ? text : strerror(ENOMEM), after) < 0)
                message = NULL;
        if (message)
                put_message(message);
        else
                fprintf(stderr, "%s%s\n", before, strerror(ENOMEM));
}

#define PROGRAM "mediatectl: "

void tell(const char *format, ...) {
        va_list args;

        va_start(args, format);
        tell_va(PROGRAM, format, args, "");
        va_end(args);
}

int tell_status(int status, const char *format, ...) {
        va_list args;

        va_start(args, format);
        tell_va(PROGRAM, format, args, "");
        va_end(args);
        return status;
}

bool tell_shows_notes(void) {
        return isatty(STDERR_FILENO);
}

void tell_note(const char *format, ...) {
        va_list args;

        if (!tell_shows_notes())
                return;
        va_start(args, format);
        tell_va("", format, args, ".");
        va_end(args);
}

int tell_usage(const char *format, ...) {
        va_list args;

        va_start(args, format);
        tell_va(PROGRAM, format, args, "; see mediatectl --help");
        va_end(args);
        return STATUS_USAGE;
}

/* Words for errors that come from the bus or from libsystemd, and not from the daemon. */
static const struct {
        const char *name;
        const char *text;
} texts[] = {
        {SD_BUS_ERROR_SERVICE_UNKNOWN,
         "The daemon is not running and cannot be started. Is mediated installed? See systemctl status mediated"},
        {SD_BUS_ERROR_NO_REPLY,
         "The daemon or the connection to it ended before it answered; see `journalctl -u mediated` "
         "and `mediatectl list` for what was done"},
        {SD_BUS_ERROR_DISCONNECTED, "The connection to the bus was lost"},
        {SD_BUS_ERROR_UNKNOWN_METHOD, "The daemon is older than this program and does not know the request"},
        {SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
         "Not permitted without a password. Run it as root, or on a terminal where pkttyagent can ask for one"},
};

const char *error_text(const sd_bus_error *error) {
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (sd_bus_error_has_name(error, texts[i].name))
                        return texts[i].text;
        /* dbus-daemon's own message goes on with rules and processes, which help nobody. */
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) && error->message &&
            strncmp(error->message, "Rejected send message", 21) == 0)
                return "Not permitted; run it as root";
        if (error->message && *error->message)
                return error->message;
        return strerror(sd_bus_error_get_errno(error));
}

enum status error_status(const sd_bus_error *error) {
        switch (failure_code_from_name(error->name)) {
        case FAILURE_NO_SUCH_DEVICE:
        case FAILURE_NO_SUCH_PARENT:
        case FAILURE_NO_SUCH_TYPE:
        case FAILURE_NO_SUCH_JOB:
        case FAILURE_NOT_DEFINED:
                return STATUS_NOT_FOUND;
        case FAILURE_DEVICE_BUSY:
                return STATUS_BUSY;
        case FAILURE_INVALID_ARGS:
                return STATUS_USAGE;
        default:
                return STATUS_FAILED;
        }
}

int tell_error(const sd_bus_error *error) {
        tell("%s", error_text(error));
        return error_status(error);
}
