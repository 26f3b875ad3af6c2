/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records of devices and definitions as texts that end with NUL. */

#include "common/record.h"

#include <errno.h>

static void write_text(FILE *stream, const char *text) {
        (void) fwrite_unlocked(text, 1, strlen(text) + 1, stream);
}

void record_write(FILE *stream, const char *const fields[static _RECORD_FIELD_MAX], const struct attributes *attributes) {
        char number[24];

        snprintf(number, sizeof(number), "%zu", attributes ? attributes->n : 0);
        for (enum record_field field = 0; field < RECORD_N_ATTRIBUTES; field++)
                write_text(stream, fields[field] ? fields[field] : "");
        write_text(stream, number);

        for (size_t i = 0; attributes && i < attributes->n; i++) {
                write_text(stream, attributes->items[i].name);
                write_text(stream, attributes->items[i].value);
        }
}

/* The text at @text ends before @end. Returns where the next one begins, or NULL. */
static const char *next_text(const char *text, const char *end) {
        const char *nul = memchr(text, '\0', (size_t) (end - text));

        return nul ? nul + 1 : NULL;
}

static int parse_number(const char *text, size_t *ret) {
        char *end;

        if (*text < '0' || *text > '9')
                return -EBADMSG;
        errno = 0;
        *ret = strtoul(text, &end, 10);
        return errno > 0 || *end ? -EBADMSG : 0;
}

ssize_t record_read(const char *text, size_t size, struct record *ret) {
        const char *position = text, *end = text + size;
        struct record record;

        if (size == 0)
                return 0;
        for (enum record_field field = 0; field < _RECORD_FIELD_MAX; field++) {
                record.fields[field] = position;
                position = next_text(position, end);
                if (!position)
                        return -EBADMSG;
        }

        record.attributes = position;
        if (parse_number(record.fields[RECORD_N_ATTRIBUTES], &record.n_attributes) < 0 ||
            record.n_attributes > ATTRIBUTES_MAX)
                return -EBADMSG;
        for (size_t i = 0; i < 2 * record.n_attributes; i++) {
                position = next_text(position, end);
                if (!position)
                        return -EBADMSG;
        }

        *ret = record;
        return position - text;
}

const char *record_next_attribute(const char *text, const char **ret_name, const char **ret_value) {
        *ret_name = text;
        *ret_value = text + strlen(text) + 1;
        return *ret_value + strlen(*ret_value) + 1;
}
