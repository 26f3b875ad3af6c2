/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mdevctl define and undefine. */

#include <errno.h>

#include "client/mdevctl/attributes.h"
#include "client/mdevctl/bus.h"
#include "client/mdevctl/commands.h"
#include "client/mdevctl/file.h"
#include "client/mdevctl/parent.h"
#include "client/mdevctl/request.h"
#include "client/mdevctl/store.h"
#include "client/mdevctl/tell.h"
#include "common/sysfs.h"

static int fail_defined(const struct mdevctl_arguments *arguments, const char *parent) {
        if (mdevctl_given(arguments, MDEVCTL_JSONFILE))
                return mdevctl_fail("Cowardly refusing to overwrite existing config for %s/%s", parent,
                                    arguments->uuid);
        return mdevctl_fail("Device %s on %s already defined", arguments->uuid, parent);
}

static int check_undefined(const struct mdevctl_arguments *arguments, const char *parent) {
        _cleanup_store_ struct mdevctl_store store = {};
        int r;

        if (!mdevctl_given(arguments, MDEVCTL_UUID))
                return EXIT_SUCCESS;
        r = mdevctl_store_scan(&store, parent, arguments->uuid);
        if (r < 0)
                return mdevctl_fail_errno(r, "Unable to read the definitions");
        return store.n > 0 ? fail_defined(arguments, parent) : EXIT_SUCCESS;
}

static int send_define(const struct mdevctl_arguments *arguments, const char *parent,
                       struct definition *definition, bool from_device) {
        _cleanup_(attributes_clear) struct attributes attributes = {};
        _cleanup_failure_ struct failure failure = {};
        _cleanup_bus_ sd_bus *bus = NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *uuid;
        int r;

        r = mdevctl_check_parent(parent);
        if (r == EXIT_SUCCESS)
                r = mdevctl_bus_open_for(arguments->uuid, &bus);
        if (r != EXIT_SUCCESS)
                return r;

        if (from_device) {
                if (mdevctl_attributes_of(bus, arguments->uuid, &attributes, &failure) < 0)
                        return mdevctl_fail("%s", failure_text(&failure));
                if (definition_set_attributes(definition, &attributes) < 0)
                        return mdevctl_fail("Out of memory");
        }
        if (mdevctl_request_define(bus, arguments, parent, definition, &failure, &reply) < 0) {
                if (failure.code == FAILURE_ALREADY_DEFINED)
                        return fail_defined(arguments, parent);
                return mdevctl_fail("%s", failure_text(&failure));
        }
        if (mdevctl_given(arguments, MDEVCTL_UUID))
                return EXIT_SUCCESS;
        r = sd_bus_message_read(reply, "s", &uuid);
        if (r < 0)
                return mdevctl_fail("%s", strerror(-r));
        mdevctl_put(uuid);
        putchar('\n');
        return EXIT_SUCCESS;
}

static int define_file(const struct mdevctl_arguments *arguments) {
        const char *path = arguments->values[MDEVCTL_JSONFILE], *parent = arguments->values[MDEVCTL_PARENT];
        _cleanup_definition_ struct definition *definition = NULL;
        _cleanup_file_ struct mdevctl_file file = {};
        int r;

        if (arguments->version->opens_jsonfile_first && mdevctl_file_check(path) != EXIT_SUCCESS)
                return EXIT_FAILURE;
        if (!parent) {
                _cleanup_free_ char *quoted = mdevctl_quote(path);

                return mdevctl_fail("Parent device required to define device via %s", quoted);
        }
        r = check_undefined(arguments, parent);
        if (r == EXIT_SUCCESS)
                r = mdevctl_file_read(path, &file);
        if (r == EXIT_SUCCESS)
                r = mdevctl_file_parse(&file, &definition);
        return r == EXIT_SUCCESS ? send_define(arguments, parent, definition, false) : r;
}

/* What is not given is taken from the active device, and so are its attributes. With a type mdevctl wants the parent
 * too. */
static int define_arguments(const struct mdevctl_arguments *arguments) {
        const char *parent = arguments->values[MDEVCTL_PARENT], *type = arguments->values[MDEVCTL_TYPE];
        _cleanup_definition_ struct definition *definition = NULL;
        struct sysfs_device device = {};
        bool active;
        int r;

        active = mdevctl_given(arguments, MDEVCTL_UUID) &&
                 sysfs_look_at_device(arguments->uuid, NULL, &device) >= 0 && *device.type;
        if (!parent && (!active || type))
                return mdevctl_fail("No parent specified");
        if (!parent)
                parent = device.parent;
        if (!type && !active)
                return mdevctl_fail("No type specified");
        if (!type)
                type = device.type;

        r = check_undefined(arguments, parent);
        if (r != EXIT_SUCCESS)
                return r;
        if (definition_new(type, mdevctl_given(arguments, MDEVCTL_AUTO) ? START_AUTO : START_MANUAL, NULL,
                           &definition) < 0)
                return mdevctl_fail("Out of memory");
        return send_define(arguments, parent, definition, active);
}

int mdevctl_command_define(const struct mdevctl_arguments *arguments) {
        return mdevctl_given(arguments, MDEVCTL_JSONFILE) ? define_file(arguments) : define_arguments(arguments);
}

/* Without a parent, the daemon removes the definitions of the UUID on all parents. */
static int undefine(sd_bus *bus, const struct mdevctl_arguments *arguments, const struct mdevctl_store *store,
                    struct failure *failure) {
        int r = 0;

        if (!store->has_hidden)
                return mdevctl_request_undefine(bus, arguments, arguments->values[MDEVCTL_PARENT], failure);
        for (size_t i = 0; i < store->n && r >= 0; i++)
                r = mdevctl_request_undefine(bus, arguments, store->items[i].parent->name, failure);
        return r;
}

int mdevctl_command_undefine(const struct mdevctl_arguments *arguments) {
        _cleanup_failure_ struct failure failure = {};
        _cleanup_store_ struct mdevctl_store store = {};
        _cleanup_bus_ sd_bus *bus = NULL;
        int r;

        r = mdevctl_store_scan(&store, arguments->values[MDEVCTL_PARENT], arguments->uuid);
        if (r < 0)
                return mdevctl_fail_errno(r, "Unable to read the definitions");
        if (store.n == 0)
                return mdevctl_fail("No devices match the specified uuid");

        r = mdevctl_bus_open_for(arguments->uuid, &bus);
        if (r != EXIT_SUCCESS)
                return r;
        if (undefine(bus, arguments, &store, &failure) >= 0)
                return EXIT_SUCCESS;
        if (!arguments->version->hides_cause)
                return mdevctl_fail("%s", failure_text(&failure));
        mdevctl_warn("%s", failure_text(&failure));
        return mdevctl_fail("Undefine failed");
}
