/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Entries of the journal, in its native protocol. */

#include "daemon/base/log.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>

/* How many bytes of a message are logged when there is no memory for all of it. */
#define LOG_PART_SIZE 512

static bool debug_enabled;

void log_set_debug(bool debug) {
        debug_enabled = debug;
}

/* The format is that of https://systemd.io/JOURNAL_NATIVE_PROTOCOL: a value of more than one line has its length before
 * it. */
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

/* The socket stays connected. It is connected once more if the other end is gone: the journal may have been started
 * since. */
static int send_datagram(const char *data, size_t size) {
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
        static int fd = -1;

        if (fd < 0)
                fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (send(fd, data, size, MSG_NOSIGNAL) >= 0)
                return 0;
        if (errno != ENOTCONN && errno != ECONNREFUSED)
                return -errno;
        return connect(fd, (const struct sockaddr *) &address, sizeof(address)) >= 0 &&
               send(fd, data, size, MSG_NOSIGNAL) >= 0 ? 0 : -errno;
}

/* Returns false if an entry is lost. Where there is no journal, none is. */
static bool send_entry(int priority, const struct log_fields *fields, const char *message) {
        _cleanup_free_ char *entry = NULL;
        size_t size;
        int r;

        entry = make_entry(priority, fields, message, &size);
        if (!entry)
                return false;
        r = send_datagram(entry, size);
        return r >= 0 || r == -ENOENT || r == -ECONNREFUSED;
}

static void send_to_journal(int priority, const struct log_fields *fields, const char *message) {
        static unsigned int n_lost;

        if (n_lost > 0) {
                char text[64];

                snprintf(text, sizeof(text), "The journal did not read: %u messages were lost", n_lost);
                if (send_entry(LOG_WARNING, &(struct log_fields) {}, text))
                        n_lost = 0;
        }
        if (n_lost > 0 || !send_entry(priority, fields, message))
                n_lost++;
}

int log_full(int priority, int error, struct log_fields fields, const char *format, ...) {
        _cleanup_free_ char *message = NULL;
        char part[LOG_PART_SIZE];
        va_list args;

        assert(priority >= LOG_EMERG && priority <= LOG_DEBUG && error <= 0 && format);

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
        /* Under systemd, stderr is the journal too, and each message would be there twice. */
        if (!getenv("JOURNAL_STREAM"))
                fprintf(stderr, "mediated: %s\n", message ? message : part);
        return error;
}
