/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of the methods of the daemon's manager. */

#include "client/shared/manager-call.h"

#include <assert.h>
#include <stdarg.h>

#include "common/bus-names.h"
#include "common/macro.h"

int manager_call_new(sd_bus *bus, sd_bus_message **ret, const char *member, const char *types, ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        va_list args;
        int r;

        assert(bus);
        r = sd_bus_message_new_method_call(bus, &call, BUS_NAME, BUS_ROOT, BUS_MANAGER, member);
        if (r < 0)
                return r;
        va_start(args, types);
        r = sd_bus_message_appendv(call, types, args);
        va_end(args);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(call);
        return 0;
}
