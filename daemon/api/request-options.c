/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of a request. */

#include "daemon/api/request-options.h"

#include <errno.h>

#include "daemon/bus/bus-util.h"

/* How many bytes of the name of an unknown option are in an answer. */
#define OPTION_SHOWN_MAX 64

static const struct option {
        const char *name;
        unsigned int flag;
        char type;
        size_t offset;
} table[] = {
        { "timeout", OPTION_TIMEOUT, SD_BUS_TYPE_UINT64, offsetof(struct options, timeout) },
        { "callout-of", OPTION_CALLOUT_OF, SD_BUS_TYPE_UINT64, offsetof(struct options, callout_of) },
        { "held-by", OPTION_HELD_BY, SD_BUS_TYPE_UINT64, offsetof(struct options, held_by) },
        { "settle", OPTION_SETTLE, SD_BUS_TYPE_BOOLEAN, offsetof(struct options, settle) },
        { "wait", OPTION_WAIT, SD_BUS_TYPE_BOOLEAN, offsetof(struct options, wait) },
        { "force", OPTION_FORCE, SD_BUS_TYPE_BOOLEAN, offsetof(struct options, force) },
        { "live", OPTION_LIVE, SD_BUS_TYPE_BOOLEAN, offsetof(struct options, live) },
        { "defined", OPTION_DEFINED, SD_BUS_TYPE_BOOLEAN, offsetof(struct options, defined) },
};

static const struct option *find_option(const char *name, unsigned int allowed) {
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (streq(table[i].name, name) && (table[i].flag & (allowed | OPTION_CALLOUT_OF)))
                        return table + i;

        return NULL;
}

static int read_value(sd_bus_message *message, const struct option *option, struct options *ret) {
        const char type[] = { option->type, '\0' };
        char *field = (char *) ret + option->offset;
        int r, value;

        if (option->type == SD_BUS_TYPE_UINT64) {
                r = sd_bus_message_read(message, "v", type, field);
                return r < 0 ? r : 0;
        }

        r = sd_bus_message_read(message, "v", type, &value);
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
                if (r == -ENXIO)
                        return bus_fail(message, FAILURE_INVALID_ARGS, "Option '%s' must be of type '%c'", name,
                                        option->type);
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
