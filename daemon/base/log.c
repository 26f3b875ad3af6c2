/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Log messages, to the journal in its own protocol. */

#include "daemon/base/log.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>

/* So long a journal that is behind is waited for. */
#define JOURNAL_WAIT_MSEC 20

/* How much of a message is logged when there is no memory for all of it, in bytes. */
#define LOG_PART_SIZE 512

static bool debug_enabled;

void log_set_debug(bool debug) {
        debug_enabled = debug;
}

/* To the journal, made with the first message; -1 without one. */
static int journal_socket(void) {
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
        static int fd = -1;

        if (fd < 0)
                fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        /* Again each time: it may have been started again. */
        return fd >= 0 && connect(fd, (const struct sockaddr *) &address, sizeof(address)) >= 0 ? fd : -1;
}

/* As https://systemd.io/JOURNAL_NATIVE_PROTOCOL has it. */
static void add_field(FILE *f, const char *name, const char *value) {
        size_t length = value ? strlen(value) : 0;
        uint64_t length_le = htole64(length);

        if (!value)
                return;
        if (!strchr(value, '\n')) {
                fprintf(f, "%s=%s\n", name, value);
                return;
        }
        fprintf(f, "%s\n", name);
        fwrite(&length_le, sizeof(length_le), 1, f);
        fprintf(f, "%s\n", value);
}

static char *make_entry(int priority, const struct log_fields *fields, const char *message, size_t *ret_size) {
        char priority_text[4], job[24], *entry = NULL;
        FILE *f;

        snprintf(priority_text, sizeof(priority_text), "%d", priority);
        snprintf(job, sizeof(job), "%" PRIu64, fields->job);
        f = open_memstream(&entry, ret_size);
        if (!f)
                return NULL;
        add_field(f, "MESSAGE", message);
        add_field(f, "PRIORITY", priority_text);
        add_field(f, "MESSAGE_ID", fields->message_id);
        add_field(f, "MEDIATED_UUID", fields->uuid);
        add_field(f, "MEDIATED_PARENT", fields->parent);
        add_field(f, "MEDIATED_JOB", fields->job > 0 ? job : NULL);
        add_field(f, "SYSLOG_IDENTIFIER", "mediated");
        if (fclose(f) == 0)
                return entry;
        free(entry);
        return NULL;
}

/* Returns false when the journal does not read. */
static bool send_entry(int fd, int priority, const struct log_fields *fields, const char *message, int wait_msec) {
        _cleanup_free_ char *entry = NULL;
        size_t size;

        entry = make_entry(priority, fields, message, &size);
        if (!entry)
                return false;
        while (send(fd, entry, size, MSG_NOSIGNAL) < 0) {
                struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN || wait_msec == 0 || poll(&poll_fd, 1, wait_msec) <= 0)
                        return false;
                wait_msec = 0;
        }
        return true;
}

/* Not by sd_journal_sendv(), which waits until the journal reads: one that hangs must not hang us. */
static void send_to_journal(int priority, const struct log_fields *fields, const char *message) {
        static unsigned int n_lost;
        int fd = journal_socket();

        if (fd < 0)
                return;
        if (n_lost > 0) {
                char text[64];

                snprintf(text, sizeof(text), "The journal did not read: %u messages were lost", n_lost);
                if (send_entry(fd, LOG_WARNING, &(struct log_fields) {}, text, 0))
                        n_lost = 0;
        }
        if (n_lost > 0 || !send_entry(fd, priority, fields, message, JOURNAL_WAIT_MSEC))
                n_lost++;
}

int log_full(int priority, int error, struct log_fields fields, const char *format, ...) {
        _cleanup_free_ char *message = NULL;
        char part[LOG_PART_SIZE];
        va_list args;

        if (priority >= LOG_DEBUG && !debug_enabled)
                return error;

        errno = -error;
        va_start(args, format);
        if (vasprintf(&message, format, args) < 0)
                message = NULL;
        va_end(args);
        errno = -error;
        va_start(args, format);
        if (!message)
                (void) vsnprintf(part, sizeof(part), format, args);
        va_end(args);

        send_to_journal(priority, &fields, message ? message : part);
        /* Under systemd stderr is the journal too, and would say everything twice. */
        if (!getenv("JOURNAL_STREAM"))
                fprintf(stderr, "mediated: %s\n", message ? message : part);
        return error;
}
