/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever a client reads where Manager.Dump's records should be: it is refused, or each text lies within what was read, and
 * written again it is the same. */

#include <errno.h>

#include "common/record.h"
#include "tests/fuzz/fuzz.h"

static void check_record(const char *text, size_t size, const struct record *record) {
        _cleanup_attributes_ struct attributes attributes = {};
        const char *position = record->attributes, *name, *value;
        _cleanup_free_ char *again = NULL;
        FILE *stream;
        size_t n;

        for (size_t i = 0; i < record->n_attributes; i++) {
                position = record_next_attribute(position, &name, &value);
                MUST(position <= text + size);
                MUST(attributes_append(&attributes, name, value) == 0);
        }
        MUST(position == text + size);

        stream = open_memstream(&again, &n);
        MUST(stream);
        record_write(stream, record->fields, &attributes);
        MUST(fclose(stream) == 0);
        /* A number may have been written with more zeros. */
        MUST(n <= size && memcmp(text, again, (size_t) (record->fields[RECORD_N_ATTRIBUTES] - text)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *) data;
        struct record record;
        ssize_t n;

        while ((n = record_read(text, size, &record)) > 0) {
                MUST((size_t) n <= size);
                check_record(text, (size_t) n, &record);
                text += n;
                size -= (size_t) n;
        }
        MUST(n == 0 ? size == 0 : n == -EBADMSG);
        return 0;
}
