/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of a request. */

#include "daemon/api/request-options.h"

#include <errno.h>
#include <string.h>

#include "daemon/bus/bus-util.h"

/* How many bytes of the name of an unknown option are in an answer. */
#define OPTION_SHOWN_MAX 64

static const struct option {
        const char *name;
        unsigned int flag;              /* 0: every method has it */
        char type;
        size_t offset;
} table[] = {
        { "timeout-usec", 0, SD_BUS_TYPE_UINT64, offsetof(struct options, timeout) },
        { "callout-of", 0, SD_BUS_TYPE_UINT64, offsetof(struct options, callout_of) },
        { "held-by", OPTION_HELD_BY, SD_BUS_TYPE_UINT64, offsetof(struct options, held_by) },
        { "settle", OPTION_SETTLE, SD_BUS_TYPE_BOOLEAN, offsetof(struct options, settle) },
        { "wait", OPTION_WAIT, SD_BUS_TYPE_BOOLEAN, offsetof(struct options, wait) },
        { "force", 0, SD_BUS_TYPE_BOOLEAN, offsetof(struct options, force) },
        { "live", OPTION_LIVE, SD_BUS_TYPE_BOOLEAN, offsetof(struct options, live) },
        { "defined", OPTION_DEFINED, SD_BUS_TYPE_BOOLEAN, offsetof(struct options, defined) },
        { "no-wait", 0, SD_BUS_TYPE_BOOLEAN, offsetof(struct options, no_wait) },
};

static const struct option *find_option(const char *name, unsigned int allowed) {
        for (size_t i = 0; i < ELEMENTSOF(table) && !(allowed & OPTION_NO_JOB); i++)
                if (streq(table[i].name, name) && (table[i].flag & allowed) == table[i].flag)
                        return table + i;

        return NULL;
}

/* Reads a variant that has any of D-Bus's integer types, because the bindings of dynamic languages choose one by
 * themselves. Returns -ENXIO for another type, and -ERANGE for a negative number. */
static int read_number(sd_bus_message *message, uint64_t *ret) {
        const char *type;
        union {
                uint8_t y;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
        } value;
        int64_t number = 0;
        int r;

        r = sd_bus_message_peek_type(message, NULL, &type);
        if (r < 0)
                return r;
        if (strlen(type) != 1 || !strchr("ynqiuxt", *type))
                return -ENXIO;
        r = sd_bus_message_read(message, "v", type, &value);
        if (r < 0)
                return r;

        switch (*type) {
        case SD_BUS_TYPE_BYTE:
                number = value.y;
                break;
        case SD_BUS_TYPE_INT16:
                number = value.n;
                break;
        case SD_BUS_TYPE_UINT16:
                number = value.q;
                break;
        case SD_BUS_TYPE_INT32:
                number = value.i;
                break;
        case SD_BUS_TYPE_UINT32:
                number = value.u;
                break;
        case SD_BUS_TYPE_INT64:
                number = value.x;
                break;
        default:
                *ret = value.t;
                return 0;
        }
        if (number < 0)
                return -ERANGE;
        *ret = (uint64_t) number;
        return 0;
}

static int read_value(sd_bus_message *message, const struct option *option, struct options *ret) {
        char *field = (char *) ret + option->offset;
        int r, value;

        if (option->type == SD_BUS_TYPE_UINT64)
                return read_number(message, (uint64_t *) (void *) field);

        r = sd_bus_message_read(message, "v", "b", &value);
        if (r < 0)
                return r;
        *(bool *) (void *) field = value;
        return 0;
}

int options_read(sd_bus_message *message, unsigned int allowed, struct options *ret) {
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                const struct option *option;
                const char *name;

                r = sd_bus_message_read(message, "s", &name);
                if (r < 0)
                        return r;
                option = find_option(name, allowed);
                if (!option)
                        return bus_fail(message, FAILURE_INVALID_ARGS, "%s has no option '%.*s'",
                                        sd_bus_message_get_member(message), SHORTENED(name, OPTION_SHOWN_MAX));
                r = read_value(message, option, ret);
                if (r == -ENXIO || r == -ERANGE)
                        return bus_fail(message, FAILURE_INVALID_ARGS, "Option '%s' must be %s", name,
                                        option->type == SD_BUS_TYPE_UINT64 ?
                                        "an integer that is not negative, as 't' (uint64) is" :
                                        "true or false, of type 'b'");
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;
        if (ret->held_by > INT32_MAX)
                return bus_fail(message, FAILURE_INVALID_ARGS, "Option 'held-by' is the number of a process");
        return 0;
}
