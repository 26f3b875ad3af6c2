/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages and the card's file. */

#include "prepare/progress.h"

#include <stdarg.h>
#include <syslog.h>

#include "common/message-ids.h"
#include "common/utf8.h"

/* The place in the code would always be this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

/* The unit adds MEDIATED_CARD, also to what the program of Prepare= prints. */
static void send(const struct progress *progress, int priority, const char *message_id, const char *message) {
        (void) sd_journal_send("MESSAGE=%s", message, "PRIORITY=%d", priority, "SYSLOG_IDENTIFIER=mediated-prepare",
                               "MEDIATED_SET=%s", progress->set ? progress->set : "", message_id, NULL);
        /* Under systemd, stderr is the journal too, and each message would be there twice. */
        if (!getenv("JOURNAL_STREAM"))
                fprintf(stderr, "mediated-prepare: %s\n", message);
}

/* A card's name, a driver's, a path: all of them may have any characters. */
static char *make_text(const char *format, va_list args) _printf_(1, 0);

static char *make_text(const char *format, va_list args) {
        char *text;

        if (vasprintf(&text, format, args) < 0)
                return NULL;
        utf8_make_line(text);
        return text;
}

static int store(const struct progress *progress, enum preparation_state state, char *message) {
        struct preparation preparation = {
                .state = state,
                .attempt = progress->attempt,
                .attempts = progress->attempts,
                .message = message,
                .set = progress->set ? utf8_copy_valid(progress->set) : NULL,
        };
        int r;

        r = preparation_store(progress->card, &preparation);
        free(preparation.set);
        if (r < 0)
                progress_log(progress, LOG_WARNING, "/" PREPARATION_DIRECTORY "/%s cannot be written: %s",
                             progress->card, strerror(-r));
        return r;
}

void progress_log(const struct progress *progress, int priority, const char *format, ...) {
        _cleanup_free_ char *message = NULL;
        va_list args;

        va_start(args, format);
        message = make_text(format, args);
        va_end(args);
        send(progress, priority, NULL, message ? message : format);
}

void progress_is(const struct progress *progress, const char *format, ...) {
        _cleanup_free_ char *message = NULL;
        va_list args;

        va_start(args, format);
        message = make_text(format, args);
        va_end(args);
        send(progress, LOG_INFO, NULL, message ? message : format);
        (void) store(progress, PREPARATION_RUNNING, message);
}

int progress_ended(const struct progress *progress, enum preparation_state state, const char *format, ...) {
        bool failed = state == PREPARATION_FAILED;
        _cleanup_free_ char *message = NULL;
        va_list args;

        va_start(args, format);
        message = make_text(format, args);
        va_end(args);
        send(progress, failed ? LOG_ERR : LOG_NOTICE, failed ? "MESSAGE_ID=" MESSAGE_PREPARE_FAILED : NULL,
             message ? message : format);
        return store(progress, state, message) >= 0 && !failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
