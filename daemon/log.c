/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Log messages, by sd-journal. */

#include "daemon/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define FIELDS_MAX 8

/* So long a journal that is behind is waited for. */
#define JOURNAL_WAIT_MSEC 20

static bool debug_enabled;

void log_set_debug(bool debug) {
        debug_enabled = debug;
}

static void add_field(struct iovec *iov, size_t *n, const char *name, const char *value) {
        char *text;
        int length;

        if (!value)
                return;

        length = asprintf(&text, "%s=%s", name, value);
        if (length >= 0)
                iov[(*n)++] = (struct iovec) { .iov_base = text, .iov_len = (size_t) length };
}

/* libsystemd's send waits until the journal reads; one that hangs must not hang us. Without a journal it returns at once. */
static bool journal_reads(int wait_msec) {
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
        _cleanup_close_ int fd = -1;
        struct pollfd poll_fd;

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return true;
        poll_fd = (struct pollfd) { .fd = fd, .events = POLLOUT };
        return poll(&poll_fd, 1, wait_msec) > 0;
}

static void send_to_journal(int priority, const struct log_fields *fields, const char *message) {
        static unsigned int n_lost;
        char priority_text[4], job[24];
        struct iovec iov[FIELDS_MAX];
        size_t n = 0;

        if (!journal_reads(n_lost > 0 ? 0 : JOURNAL_WAIT_MSEC)) {
                n_lost++;
                return;
        }
        if (n_lost > 0) {
                (void) sd_journal_print(LOG_WARNING, "The journal did not read: %u messages were lost", n_lost);
                n_lost = 0;
                /* That may have been the only room. */
                return send_to_journal(priority, fields, message);
        }

        snprintf(priority_text, sizeof(priority_text), "%d", priority);
        snprintf(job, sizeof(job), "%" PRIu64, fields->job);
        add_field(iov, &n, "MESSAGE", message);
        add_field(iov, &n, "PRIORITY", priority_text);
        add_field(iov, &n, "MESSAGE_ID", fields->message_id);
        add_field(iov, &n, "MEDIATED_UUID", fields->uuid);
        add_field(iov, &n, "MEDIATED_PARENT", fields->parent);
        add_field(iov, &n, "MEDIATED_JOB", fields->job > 0 ? job : NULL);
        add_field(iov, &n, "SYSLOG_IDENTIFIER", "mediated");

        (void) sd_journal_sendv(iov, (int) n);
        while (n > 0)
                free(iov[--n].iov_base);
}

int log_full(int priority, int error, struct log_fields fields, const char *format, ...) {
        _cleanup_free_ char *message = NULL;
        va_list args;
        int r;

        if (priority >= LOG_DEBUG && !debug_enabled)
                return error;

        errno = -error;
        va_start(args, format);
        r = vasprintf(&message, format, args);
        va_end(args);
        if (r < 0)
                return error;

        send_to_journal(priority, &fields, message);
        /* Under systemd stderr is the journal too, and would say everything twice. */
        if (!getenv("JOURNAL_STREAM"))
                fprintf(stderr, "mediated: %s\n", message);
        return error;
}
