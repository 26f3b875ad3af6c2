/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The size of a message, found by reading it once: libsystemd has no function for it. */

#include "daemon/bus/message-size.h"

#include <errno.h>

#include "common/macro.h"

/* The least that a value counts, so that many empty ones add up too. */
#define VALUE_SIZE 8

/* An array of elements of a fixed size, which is read at once. */
static int count_array(sd_bus_message *message, char type, size_t *left) {
        const void *data;
        size_t size;
        int r;

        r = sd_bus_message_read_array(message, type, &data, &size);
        if (r < 0)
                return r;
        *left -= size < *left ? size : *left;
        return 0;
}

static int count_basic(sd_bus_message *message, char type, size_t *left) {
        union {
                uint64_t number;
                const char *text;
        } value = {};
        int r;

        r = sd_bus_message_read_basic(message, type, &value);
        if (r >= 0 && strchr("sog", type))
                *left -= strnlen(value.text, *left);
        return r;
}

/* Takes the size of each value off @left, until that is 0. D-Bus limits the depth of containers, and so of the
 * recursion, to 64. */
static int count(sd_bus_message *message, size_t *left) {
        const char *contents;
        char type;
        int r;

        while ((r = sd_bus_message_peek_type(message, &type, &contents)) > 0 && *left > 0) {
                *left -= *left < VALUE_SIZE ? *left : VALUE_SIZE;
                if (type == SD_BUS_TYPE_ARRAY && strchr("ynqiuxtd", contents[0]) && contents[1] == '\0')
                        r = count_array(message, contents[0], left);
                else if (strchr("arve", type)) {
                        r = sd_bus_message_enter_container(message, type, contents);
                        if (r >= 0)
                                r = count(message, left);
                        if (r >= 0 && *left > 0)
                                r = sd_bus_message_exit_container(message);
                } else
                        r = count_basic(message, type, left);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : 0;
}

static void count_header(sd_bus_message *message, size_t *left) {
        const char *const texts[] = {
                sd_bus_message_get_path(message),        sd_bus_message_get_interface(message),
                sd_bus_message_get_member(message),      sd_bus_message_get_sender(message),
                sd_bus_message_get_destination(message), sd_bus_message_get_signature(message, true),
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (texts[i])
                        *left -= strnlen(texts[i], *left);
}

int message_size(sd_bus_message *message, size_t limit, size_t *ret) {
        size_t left = limit;
        int r, q;

        count_header(message, &left);
        r = count(message, &left);
        q = sd_bus_message_rewind(message, true);
        if (r < 0 || q < 0)
                return r < 0 ? r : q;
        if (left == 0)
                return -EFBIG;
        *ret = limit - left;
        return 0;
}
