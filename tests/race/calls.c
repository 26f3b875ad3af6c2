/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of mediated's methods. */

#include "tests/race/calls.h"

#include "common/macro.h"

#define NAME "org.mediated1"
#define PATH "/org/mediated1"
#define MANAGER "org.mediated1.Manager"
#define ERROR_PREFIX "org.mediated1.Error."

int call_create(sd_bus *bus, const char *uuid, const char *parent, const char *type, sd_bus_error *ret_error) {
        int r;

        r = sd_bus_call_method(bus, NAME, PATH, MANAGER, "CreateDevice", ret_error, NULL, "sssa(ss)a{sv}", uuid, parent,
                               type, 0, 0);
        return r < 0 ? r : 0;
}

int call_stop(sd_bus *bus, const char *uuid, bool wait, sd_bus_error *ret_error) {
        int r;

        r = wait ? sd_bus_call_method(bus, NAME, PATH, MANAGER, "StopDevice", ret_error, NULL, "sa{sv}", uuid, 1, "wait",
                                      "b", 1)
                 : sd_bus_call_method(bus, NAME, PATH, MANAGER, "StopDevice", ret_error, NULL, "sa{sv}", uuid, 0);
        return r < 0 ? r : 0;
}

int call_start(sd_bus *bus, const char *uuid, const char *parent, sd_bus_error *ret_error) {
        int r;

        r = sd_bus_call_method(bus, NAME, PATH, MANAGER, "StartDevice", ret_error, NULL, "ssa{sv}", uuid, parent, 0);
        return r < 0 ? r : 0;
}

bool error_is(const sd_bus_error *error, const char *name) {
        return error->name && strncmp(error->name, ERROR_PREFIX, strlen(ERROR_PREFIX)) == 0 &&
               streq(error->name + strlen(ERROR_PREFIX), name);
}
