/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attributes on D-Bus. */

#include "common/attribute-bus.h"

int attributes_append_to_message(sd_bus_message *message, const struct attributes *attributes) {
        int r;

        r = sd_bus_message_open_container(message, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < attributes->n; i++)
                r = sd_bus_message_append(message, "(ss)", attributes->items[i].name, attributes->items[i].value);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

int attributes_read_from_message(sd_bus_message *message, struct attributes *ret) {
        const char *name, *value;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "(ss)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(message, "(ss)", &name, &value)) > 0) {
                r = attributes_append(ret, name, value);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        return r < 0 ? r : 0;
}
