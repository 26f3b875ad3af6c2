/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mdevctl modify: of a definition; with --live of a running device, as mdevctl 1.3 and 1.4 have it. */

#include <errno.h>
#include <inttypes.h>

#include "client/mdevctl/bus.h"
#include "client/mdevctl/commands.h"
#include "client/mdevctl/file.h"
#include "client/mdevctl/parent.h"
#include "client/mdevctl/request.h"
#include "client/mdevctl/store.h"
#include "client/mdevctl/tell.h"
#include "common/sysfs.h"

static int fail_missing(const struct mdevctl_arguments *arguments, const char *parent, const char *what) {
        return mdevctl_fail("Mediated device %s%s%s is not %s", parent ? parent : "", parent ? "/" : "",
                            arguments->uuid, what);
}

static int send_definition(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                           const struct definition *replacement, struct failure *failure) {
        int r;

        r = mdevctl_request_modify(bus, arguments, parent, replacement, false, failure);
        if (r >= 0 || failure->code != FAILURE_NOT_DEFINED || !replacement)
                return r;

        /* mdevctl writes the file whether or not there is one already. */
        failure_clear(failure);
        return mdevctl_request_define(bus, arguments, parent, replacement, failure, NULL);
}

static int send_modify(const struct mdevctl_arguments *arguments, const char *parent,
                       const struct definition *replacement) {
        bool live = mdevctl_given(arguments, MDEVCTL_LIVE), defined = mdevctl_given(arguments, MDEVCTL_DEFINED);
        _cleanup_failure_ struct failure failure = {};
        _cleanup_bus_ sd_bus *bus = NULL;
        int r;

        r = mdevctl_bus_open_for(arguments->uuid, &bus);
        if (r != EXIT_SUCCESS)
                return r;

        /* The device comes first: attributes that it refuses must not get into its definition either. */
        if (live)
                r = mdevctl_request_modify(bus, arguments, parent, replacement, true, &failure);
        if (r >= 0 && (defined || !live))
                r = send_definition(bus, arguments, parent, replacement, &failure);
        if (r < 0 && live && failure.code == FAILURE_NOT_SUPPORTED && arguments->version->hides_cause)
                return mdevctl_fail("Live modification is not supported for this device type. Changing the device "
                                    "configuration requires stopping and restarting the device.");
        return r < 0 ? mdevctl_fail("%s", failure_text(&failure)) : EXIT_SUCCESS;
}

static int load_file(const struct mdevctl_arguments *arguments, struct definition **ret) {
        _cleanup_file_ struct mdevctl_file file = {};
        const char *path = arguments->values[MDEVCTL_JSONFILE];
        int r = EXIT_SUCCESS;

        if (arguments->version->opens_jsonfile_first)
                r = mdevctl_file_check(path);
        if (r == EXIT_SUCCESS)
                r = mdevctl_file_read(path, &file);
        return r == EXIT_SUCCESS ? mdevctl_file_parse(&file, ret) : r;
}

/* Reads the one definition that is meant. */
static int load_stored(const struct mdevctl_arguments *arguments, const char *parent, struct mdevctl_store *store,
                       struct definition **ret) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = mdevctl_store_scan(store, parent, arguments->uuid);
        if (r < 0)
                return mdevctl_fail_errno(r, "Unable to read the definitions");
        if (store->n == 0)
                return fail_missing(arguments, parent, "defined");
        if (store->n > 1)
                return mdevctl_fail("Multiple definitions found for %s, specify a parent", arguments->uuid);

        r = mdevctl_stored_read(store->items, ret, &error);
        return r < 0 ? mdevctl_fail("%s", error ? error : strerror(-r)) : EXIT_SUCCESS;
}

static int check_index(const struct mdevctl_arguments *arguments, const struct definition *definition) {
        size_t n = definition_attributes(definition)->n;
        bool valid = true;

        if (mdevctl_given(arguments, MDEVCTL_INDEX) && mdevctl_given(arguments, MDEVCTL_ADDATTR))
                valid = arguments->index <= n;
        if (mdevctl_given(arguments, MDEVCTL_INDEX) && mdevctl_given(arguments, MDEVCTL_DELATTR))
                valid = arguments->index < n;
        return valid ? EXIT_SUCCESS : mdevctl_fail("Attribute index %" PRIu32 " is invalid", arguments->index);
}

static int modify_definition(const struct mdevctl_arguments *arguments) {
        _cleanup_definition_ struct definition *definition = NULL;
        _cleanup_store_ struct mdevctl_store store = {};
        int r;

        r = load_stored(arguments, arguments->values[MDEVCTL_PARENT], &store, &definition);
        if (r == EXIT_SUCCESS)
                r = check_index(arguments, definition);
        return r == EXIT_SUCCESS ? send_modify(arguments, store.items[0].parent->name, NULL) : r;
}

static int replace_definition(const struct mdevctl_arguments *arguments) {
        const char *parent = arguments->values[MDEVCTL_PARENT];
        _cleanup_definition_ struct definition *replacement = NULL;
        int r;

        if (!parent)
                return mdevctl_fail("Parent device required to modify device via json file");
        r = load_file(arguments, &replacement);
        if (r == EXIT_SUCCESS)
                r = mdevctl_check_parent(parent);
        return r == EXIT_SUCCESS ? send_modify(arguments, parent, replacement) : r;
}

static int check_same_type(const struct mdevctl_arguments *arguments, const struct sysfs_device *device) {
        _cleanup_definition_ struct definition *stored = NULL;
        _cleanup_store_ struct mdevctl_store store = {};
        int r;

        r = load_stored(arguments, device->parent, &store, &stored);
        if (r == EXIT_SUCCESS && !streq(definition_type(stored), device->type))
                return mdevctl_fail("'type' of active and defined mdev does not match");
        return r;
}

static int modify_live(const struct mdevctl_arguments *arguments) {
        const char *parent = arguments->values[MDEVCTL_PARENT];
        _cleanup_definition_ struct definition *replacement = NULL;
        struct sysfs_device device;
        int r;

        /* The command line allows these only where `modify` must change something. */
        if (mdevctl_given(arguments, MDEVCTL_AUTO))
                return mdevctl_fail("'auto' cannot be changed on active mdev");
        if (mdevctl_given(arguments, MDEVCTL_MANUAL))
                return mdevctl_fail("'manual' cannot be changed on active mdev");
        if (sysfs_look_at_device(arguments->uuid, NULL, &device) < 0 || !*device.type ||
            (parent && !streq(parent, device.parent)))
                return fail_missing(arguments, parent, "active");
        if (!mdevctl_given(arguments, MDEVCTL_JSONFILE))
                return mdevctl_fail("'live' option must be used with 'jsonfile' option");
        r = load_file(arguments, &replacement);
        if (r != EXIT_SUCCESS)
                return r;
        if (!streq(definition_type(replacement), device.type))
                return mdevctl_fail("'type' cannot be changed on active mdev");

        if (mdevctl_given(arguments, MDEVCTL_DEFINED))
                r = check_same_type(arguments, &device);
        return r == EXIT_SUCCESS ? send_modify(arguments, device.parent, replacement) : r;
}

int mdevctl_command_modify(const struct mdevctl_arguments *arguments) {
        if (mdevctl_given(arguments, MDEVCTL_LIVE))
                return modify_live(arguments);
        if (mdevctl_given(arguments, MDEVCTL_JSONFILE))
                return replace_definition(arguments);
        return modify_definition(arguments);
}
