/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mdevctl start: of a device that is defined, or of one whose parent and type are given. */

#include <errno.h>

#include "client/mdevctl/bus.h"
#include "client/mdevctl/commands.h"
#include "client/mdevctl/file.h"
#include "client/mdevctl/parent.h"
#include "client/mdevctl/request.h"
#include "client/mdevctl/store.h"
#include "client/mdevctl/tell.h"
#include "common/sysfs.h"

/* What is to be started. */
struct plan {
        const char *parent;
        struct definition *definition;
        bool stored;                    /* the definition is the one in the store */
        struct mdevctl_store store;
};

static void plan_clear(struct plan *plan) {
        definition_free(plan->definition);
        mdevctl_store_clear(&plan->store);
}

static int plan_from_file(const struct mdevctl_arguments *arguments, struct plan *plan) {
        _cleanup_file_ struct mdevctl_file file = {};
        int r;

        r = mdevctl_file_read(arguments->values[MDEVCTL_JSONFILE], &file);
        if (r != EXIT_SUCCESS)
                return r;
        if (!plan->parent)
                return mdevctl_fail("Parent device required to start device via json file");
        return mdevctl_file_parse(&file, &plan->definition);
}

/* Returns EXIT_SUCCESS also when nothing is defined. Then the plan has no definition. */
static int plan_from_store(const struct mdevctl_arguments *arguments, struct plan *plan) {
        const char *type = arguments->values[MDEVCTL_TYPE];
        _cleanup_free_ char *error = NULL;
        int r;

        r = mdevctl_store_scan(&plan->store, plan->parent, arguments->uuid);
        if (r < 0)
                return mdevctl_fail_errno(r, "Unable to read the definitions");
        if (plan->store.n > 1)
                return mdevctl_fail("Multiple definitions found for device %s. Please specify a parent.",
                                    arguments->uuid);
        if (plan->store.n == 0)
                return EXIT_SUCCESS;

        r = mdevctl_stored_read(plan->store.items, &plan->definition, &error);
        if (r < 0)
                return mdevctl_fail("%s", error ? error : strerror(-r));
        plan->parent = plan->store.items[0].parent->name;
        plan->stored = true;
        if (type && !streq(type, definition_type(plan->definition)))
                return mdevctl_fail("Device %s already exists on parent %s with type %s", arguments->uuid,
                                    plan->parent, definition_type(plan->definition));
        return EXIT_SUCCESS;
}

static int plan_from_arguments(const struct mdevctl_arguments *arguments, struct plan *plan) {
        const char *type = arguments->values[MDEVCTL_TYPE];

        if (type && !plan->parent)
                return mdevctl_fail("can't provide type without parent");
        if (!type)
                return mdevctl_fail("Device is insufficiently specified");
        if (definition_new(type, START_MANUAL, NULL, &plan->definition) < 0)
                return mdevctl_fail("Out of memory");
        return EXIT_SUCCESS;
}

static int make_plan(const struct mdevctl_arguments *arguments, struct plan *plan) {
        int r = EXIT_SUCCESS;

        plan->parent = arguments->values[MDEVCTL_PARENT];
        if (mdevctl_given(arguments, MDEVCTL_JSONFILE))
                return plan_from_file(arguments, plan);
        if (mdevctl_given(arguments, MDEVCTL_UUID))
                r = plan_from_store(arguments, plan);
        if (r == EXIT_SUCCESS && !plan->definition)
                r = plan_from_arguments(arguments, plan);
        return r;
}

/* Fails if there is a complete device already. libvirt looks for these words. */
static int check_absent(const char *uuid, const struct plan *plan) {
        struct sysfs_device device;

        if (sysfs_look_at_device(uuid, NULL, &device) < 0 || !*device.type)
                return EXIT_SUCCESS;
        if (!streq(device.parent, plan->parent))
                return mdevctl_fail("Device exists under different parent");
        if (!streq(device.type, definition_type(plan->definition)))
                return mdevctl_fail("Device exists with different type");
        return mdevctl_fail("Device already exists");
}

/* Names the attribute that could not be written; or prints the daemon's message, if it is about something else. */
static int fail_attribute(const char *uuid, const struct plan *plan, const struct failure *failure) {
        const struct attributes *attributes = definition_attributes(plan->definition);

        for (size_t i = 0; i < attributes->n; i++) {
                const char *name = attributes->items[i].name, *value = attributes->items[i].value, *reason;
                bool missing;

                reason = failure_attribute_reason(failure, uuid, name, value, &missing);
                if (reason && missing)
                        return mdevctl_fail("Invalid attribute '%s'", name);
                if (reason)
                        return mdevctl_fail_because(reason, "Failed to write %s to attribute %s", value, name);
        }
        return mdevctl_fail("%s", failure_text(failure));
}

static int fail_start(const char *uuid, const struct plan *plan, const struct failure *failure) {
        const char *type = definition_type(plan->definition);

        switch (failure->code) {
        case FAILURE_ALREADY_EXISTS:
                if (check_absent(uuid, plan) != EXIT_SUCCESS)
                        return EXIT_FAILURE;
                return mdevctl_fail_errno(EEXIST, "Failed to create mdev %s, type %s on %s", uuid, type,
                                          plan->parent);
        case FAILURE_NO_SUCH_PARENT:
                return mdevctl_fail_parent(plan->parent);
        case FAILURE_NO_SUCH_TYPE:
                return mdevctl_fail("Parent %s does not support mdev type %s", plan->parent, type);
        case FAILURE_NO_AVAILABLE_INSTANCES:
                return mdevctl_fail("No available instances of %s on %s", type, plan->parent);
        case FAILURE_INVALID_ATTRIBUTE:
                return fail_attribute(uuid, plan, failure);
        case FAILURE_IO_ERROR:
                return mdevctl_fail_because(failure_text(failure), "Failed to create mdev %s, type %s on %s", uuid,
                                            type, plan->parent);
        default:
                return mdevctl_fail("%s", failure_text(failure));
        }
}

static int run_plan(struct mdevctl_arguments *arguments, const struct plan *plan) {
        _cleanup_failure_ struct failure failure = {};
        _cleanup_bus_ sd_bus *bus = NULL;
        int r;

        r = check_absent(arguments->uuid, plan);
        if (r == EXIT_SUCCESS)
                r = mdevctl_check_parent(plan->parent);
        if (r == EXIT_SUCCESS)
                r = mdevctl_bus_open_for(arguments->uuid, &bus);
        if (r != EXIT_SUCCESS)
                return r;

        r = plan->stored ? mdevctl_request_start(bus, arguments, plan->parent, &failure)
                         : mdevctl_request_create(bus, arguments, plan->parent, plan->definition, &failure);
        return r < 0 ? fail_start(arguments->uuid, plan, &failure) : EXIT_SUCCESS;
}

int mdevctl_command_start(const struct mdevctl_arguments *arguments) {
        struct mdevctl_arguments with_uuid = *arguments;
        struct plan plan = {};
        int r;

        /* The UUID is made here, so that errors can name it. */
        if (!mdevctl_given(arguments, MDEVCTL_UUID))
                uuid_random(with_uuid.uuid);

        r = make_plan(arguments, &plan);
        if (r == EXIT_SUCCESS)
                r = run_plan(&with_uuid, &plan);
        if (r == EXIT_SUCCESS && !mdevctl_given(arguments, MDEVCTL_UUID))
                printf("%s\n", with_uuid.uuid);
        plan_clear(&plan);
        return r;
}
