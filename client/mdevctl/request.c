/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of the daemon's methods that change something, from mdevctl's options. */

#include "client/mdevctl/request.h"

#include <errno.h>

#include "client/shared/callout.h"
#include "common/attribute-bus.h"

static int append_bool(sd_bus_message *call, const char *name) {
        return sd_bus_message_append(call, "{sv}", name, "b", 1);
}

/* Appends the options of a call: --force, if it was given, and @option, unless it is NULL. */
static int append_options(sd_bus_message *call, const struct mdevctl_arguments *arguments, const char *option) {
        int r;

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0 && mdevctl_given(arguments, MDEVCTL_FORCE))
                r = append_bool(call, "force");
        if (r >= 0 && option)
                r = append_bool(call, option);
        if (r >= 0)
                r = callout_append_option(call);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int send(sd_bus *bus, int r, sd_bus_message *call, struct failure *failure, sd_bus_message **ret) {
        if (r < 0)
                return failure_set(failure, FAILURE_IO_ERROR, "The request cannot be sent: %s", strerror(-r));
        return mdevctl_bus_call(bus, call, failure, ret);
}

int mdevctl_request_define(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                           const struct definition *definition, struct failure *failure, sd_bus_message **ret) {
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = manager_call_new(bus, &call, "Define", "ssss", arguments->uuid, parent, definition_type(definition),
                             start_mode_to_string(definition_start(definition)));
        if (r >= 0)
                r = attributes_append_to_message(call, definition_attributes(definition));
        if (r >= 0)
                r = append_options(call, arguments, NULL);
        return send(bus, r, call, failure, ret);
}

int mdevctl_request_undefine(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                             struct failure *failure) {
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = manager_call_new(bus, &call, "Undefine", "ss", arguments->uuid, parent ? parent : "");
        if (r >= 0)
                r = append_options(call, arguments, NULL);
        return send(bus, r, call, failure, NULL);
}

static int append_change(sd_bus_message *call, const char *name, const char *value) {
        return sd_bus_message_append(call, "{sv}", name, "s", value);
}

static int append_attributes_change(sd_bus_message *call, const struct attributes *attributes) {
        int r;

        r = sd_bus_message_open_container(call, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", "attributes");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'v', "a(ss)");
        if (r >= 0)
                r = attributes_append_to_message(call, attributes);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

/* A running device keeps its type; and its start mode is only in its definition. */
static int append_replacement(sd_bus_message *call, const struct definition *definition, bool live) {
        int r = 0;

        if (!live)
                r = append_change(call, "type", definition_type(definition));
        if (r >= 0 && !live)
                r = append_change(call, "start", start_mode_to_string(definition_start(definition)));
        return r < 0 ? r : append_attributes_change(call, definition_attributes(definition));
}

static int append_edits(sd_bus_message *call, const struct mdevctl_arguments *arguments) {
        int index = mdevctl_given(arguments, MDEVCTL_INDEX) ? (int) arguments->index : -1, r = 0;

        if (mdevctl_given(arguments, MDEVCTL_TYPE))
                r = append_change(call, "type", arguments->values[MDEVCTL_TYPE]);
        if (r >= 0 && mdevctl_given(arguments, MDEVCTL_AUTO))
                r = append_change(call, "start", "auto");
        if (r >= 0 && mdevctl_given(arguments, MDEVCTL_MANUAL))
                r = append_change(call, "start", "manual");
        if (r >= 0 && mdevctl_given(arguments, MDEVCTL_ADDATTR))
                r = sd_bus_message_append(call, "{sv}", "add-attributes", "a(iss)", 1, index,
                                          arguments->values[MDEVCTL_ADDATTR], arguments->values[MDEVCTL_VALUE]);
        if (r >= 0 && mdevctl_given(arguments, MDEVCTL_DELATTR))
                r = sd_bus_message_append(call, "{sv}", "remove-attributes", "ai", 1, index);
        return r;
}

int mdevctl_request_modify(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                           const struct definition *replacement, bool live, struct failure *failure) {
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = manager_call_new(bus, &call, "Modify", "ss", arguments->uuid, parent);
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0)
                r = replacement ? append_replacement(call, replacement, live) : append_edits(call, arguments);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        if (r >= 0)
                r = append_options(call, arguments, live ? "live" : NULL);
        return send(bus, r, call, failure, NULL);
}

int mdevctl_request_start(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                          struct failure *failure) {
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        /* "settle", because libvirt looks for the device in udev's database at once. */
        r = manager_call_new(bus, &call, "StartDevice", "ss", arguments->uuid, parent);
        if (r >= 0)
                r = append_options(call, arguments, "settle");
        return send(bus, r, call, failure, NULL);
}

int mdevctl_request_create(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                           const struct definition *definition, struct failure *failure) {
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = manager_call_new(bus, &call, "CreateDevice", "sss", arguments->uuid, parent, definition_type(definition));
        if (r >= 0)
                r = attributes_append_to_message(call, definition_attributes(definition));
        if (r >= 0)
                r = append_options(call, arguments, "settle");
        return send(bus, r, call, failure, NULL);
}

int mdevctl_request_stop(sd_bus *bus, const struct mdevctl_arguments *arguments, struct failure *failure) {
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = manager_call_new(bus, &call, "StopDevice", "s", arguments->uuid);
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "{sv}");
        /* libvirt has the VFIO group open while it runs mdevctl and waits for it. */
        if (r >= 0)
                r = sd_bus_message_append(call, "{sv}", "held-by", "t", (uint64_t) getppid());
        if (r >= 0 && mdevctl_given(arguments, MDEVCTL_FORCE))
                r = append_bool(call, "force");
        if (r >= 0)
                r = callout_append_option(call);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        return send(bus, r, call, failure, NULL);
}
