/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mdevctl stop. */

#include <errno.h>

#include "client/mdevctl/bus.h"
#include "client/mdevctl/commands.h"
#include "client/mdevctl/parent.h"
#include "client/mdevctl/request.h"
#include "client/mdevctl/tell.h"
#include "common/bus-names.h"
#include "common/io.h"
#include "common/sysfs.h"

/* How long to wait before a device in use is tried again. */
#define RETRY_USEC (500 * USEC_PER_MSEC)

/* mdevctl waits inside the kernel until nobody uses the device. Here the request is repeated until then. If this
 * program is interrupted, no request waits in the daemon that would stop the device later. */
static int stop(sd_bus *bus, const struct mdevctl_arguments *arguments, struct failure *failure) {
        bool told = false;

        while (mdevctl_request_stop(bus, arguments, failure) < 0) {
                if (failure->code != FAILURE_DEVICE_BUSY)
                        return -1;
                if (!told)
                        mdevctl_warn("%s. Waiting for that", failure_text(failure));
                told = true;
                failure_clear(failure);
                sleep_usec(RETRY_USEC);
        }
        return 0;
}

/* Whether the UUID is that of a device that mdevctl does not have. The kernel lists those that it has. */
static bool is_other_device(sd_bus *bus, const char *uuid) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_free_ char *parent = NULL;
        struct sysfs_device device;
        const char *path;

        if (sysfs_look_at_device(uuid, NULL, &device) >= 0)
                return false;
        return sd_bus_call_method(bus, BUS_NAME, BUS_ROOT, BUS_MANAGER, "GetDevice", NULL, &reply, "s", uuid) >= 0 &&
               sd_bus_message_read(reply, "o", &path) >= 0 &&
               sd_bus_get_property_string(bus, BUS_NAME, path, BUS_DEVICE, "ParentName", NULL, &parent) >= 0 &&
               mdevctl_is_other_parent(parent);
}

static int fail_absent(const struct mdevctl_arguments *arguments) {
        if (arguments->version->hides_cause)
                return mdevctl_fail("Device %s is not an active mdev", arguments->uuid);
        return mdevctl_fail_errno(ENOENT, "Error removing device %s", arguments->uuid);
}

int mdevctl_command_stop(const struct mdevctl_arguments *arguments) {
        _cleanup_failure_ struct failure failure = {};
        _cleanup_bus_ sd_bus *bus = NULL;
        int r;

        r = mdevctl_bus_open_for(arguments->uuid, &bus);
        if (r != EXIT_SUCCESS)
                return r;

        if (is_other_device(bus, arguments->uuid))
                return fail_absent(arguments);
        if (stop(bus, arguments, &failure) >= 0)
                return EXIT_SUCCESS;
        switch (failure.code) {
        case FAILURE_NO_SUCH_DEVICE:
                return fail_absent(arguments);
        case FAILURE_IO_ERROR:
        case FAILURE_WEDGED:
                return mdevctl_fail_because(failure_text(&failure), "Error removing device %s", arguments->uuid);
        default:
                return mdevctl_fail("%s", failure_text(&failure));
        }
}
