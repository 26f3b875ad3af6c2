/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* UUIDs as mdevctl takes them. */

#include "client/mdevctl/uuid.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

#include "client/mdevctl/tell.h"

#define URN "urn:uuid:"
#define N_GROUPS 5

static const size_t group_starts[N_GROUPS] = { 0, 9, 14, 19, 24 };
static const size_t group_sizes[N_GROUPS] = { 8, 4, 4, 4, 12 };

_printf_(2, 3) static int refuse(char ret[static MDEVCTL_UUID_REASON_SIZE], const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(ret, MDEVCTL_UUID_REASON_SIZE, format, arguments);
        va_end(arguments);
        return -EINVAL;
}

/* Writes what is wrong with the digits, which are @size bytes at @offset in @text. */
static int explain(const struct mdevctl_version *version, const char *text, size_t offset, size_t size,
                   char ret_reason[static MDEVCTL_UUID_REASON_SIZE]) {
        const char *digits = text + offset;
        size_t ends[N_GROUPS - 1] = {}, n_dashes = 0;

        for (size_t i = 0; i < size; i++)
                if (digits[i] == '-') {
                        if (n_dashes < ELEMENTSOF(ends))
                                ends[n_dashes] = i;
                        n_dashes++;
                } else if (!isxdigit((unsigned char) digits[i]))
                        return refuse(ret_reason,
                                      "invalid character: expected an optional prefix of `urn:uuid:` followed by "
                                      "[%s], found `%.*s` at %zu",
                                      version->reads_as_clap_4 ? "0-9a-fA-F-" : "0-9a-zA-Z",
                                      mdevctl_character_size(digits + i), digits + i,
                                      i + (version->reads_as_clap_4 ? 0 : offset) + 1);

        if (n_dashes == 0 && offset == 0)
                return refuse(ret_reason, "invalid length: expected length 32 for simple format, found %zu", size);
        if (n_dashes != ELEMENTSOF(ends))
                return refuse(ret_reason, "invalid group count: expected 5, found %zu", n_dashes + 1);

        for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                if (ends[i] != group_starts[i] + group_sizes[i])
                        return refuse(ret_reason, "invalid group length in group %zu: expected %zu, found %zu", i,
                                      group_sizes[i], ends[i] - group_starts[i]);
        return refuse(ret_reason, "invalid group length in group 4: expected 12, found %zu",
                      strlen(text) - group_starts[N_GROUPS - 1]);
}

/* Returns the offset of the digits, behind a brace or prefix. */
static size_t find_digits(const char *text, size_t *ret_size) {
        size_t size = strlen(text);

        *ret_size = size;
        if (size >= 2 && text[0] == '{' && text[size - 1] == '}') {
                *ret_size = size - 2;
                return 1;
        }
        if (strncmp(text, URN, strlen(URN)) == 0) {
                *ret_size = size - strlen(URN);
                return strlen(URN);
        }
        return 0;
}

int mdevctl_uuid_parse(const struct mdevctl_version *version, const char *text, char ret[static UUID_TEXT_SIZE],
                       char ret_reason[static MDEVCTL_UUID_REASON_SIZE]) {
        char dashed[UUID_TEXT_SIZE];
        size_t offset, size;

        offset = find_digits(text, &size);
        if (offset == 0 && size == 32 && !strchr(text, '-'))
                snprintf(dashed, sizeof(dashed), "%.8s-%.4s-%.4s-%.4s-%.12s", text, text + 8, text + 12, text + 16,
                         text + 20);
        else if (size == sizeof(dashed) - 1)
                snprintf(dashed, sizeof(dashed), "%.36s", text + offset);
        else
                return explain(version, text, offset, size, ret_reason);

        if (uuid_normalize(dashed, ret) < 0)
                return explain(version, text, offset, size, ret_reason);
        return 0;
}
