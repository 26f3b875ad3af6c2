/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of mediated's methods. */

#include "tests/race/calls.h"

#include "common/macro.h"

#define ERROR_PREFIX "org.mediated1.Error."

int call_new_create(sd_bus *bus, sd_bus_message **ret, const char *uuid, const char *parent, const char *type) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &message, CALL_NAME, CALL_PATH, CALL_MANAGER, "CreateDevice");
        if (r >= 0)
                r = sd_bus_message_append(message, "sssa(ss)a{sv}", uuid, parent, type, 0, 0);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(message);
        return 0;
}

int call_new_stop(sd_bus *bus, sd_bus_message **ret, const char *uuid, bool wait) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &message, CALL_NAME, CALL_PATH, CALL_MANAGER, "StopDevice");
        if (r >= 0)
                r = wait ? sd_bus_message_append(message, "sa{sv}", uuid, 1, "wait", "b", 1)
                         : sd_bus_message_append(message, "sa{sv}", uuid, 0);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(message);
        return 0;
}

static int call(sd_bus *bus, sd_bus_message *message, sd_bus_error *ret_error) {
        int r;

        r = sd_bus_call(bus, message, 0, ret_error, NULL);
        return r < 0 ? r : 0;
}

int call_create(sd_bus *bus, const char *uuid, const char *parent, const char *type, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = call_new_create(bus, &message, uuid, parent, type);
        return r < 0 ? r : call(bus, message, ret_error);
}

int call_stop(sd_bus *bus, const char *uuid, bool wait, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = call_new_stop(bus, &message, uuid, wait);
        return r < 0 ? r : call(bus, message, ret_error);
}

int call_start(sd_bus *bus, const char *uuid, const char *parent, sd_bus_error *ret_error) {
        int r;

        r = sd_bus_call_method(bus, CALL_NAME, CALL_PATH, CALL_MANAGER, "StartDevice", ret_error, NULL, "ssa{sv}",
                               uuid, parent, 0);
        return r < 0 ? r : 0;
}

bool error_is(const sd_bus_error *error, const char *name) {
        return error->name && strncmp(error->name, ERROR_PREFIX, strlen(ERROR_PREFIX)) == 0 &&
               streq(error->name + strlen(ERROR_PREFIX), name);
}
