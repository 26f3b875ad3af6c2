/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a call waits for. */

#include "client/mediatectl/waiting.h"

#include "client/mediatectl/users.h"
#include "client/shared/bus-json.h"
#include "common/sysfs.h"
#include "common/utf8.h"

/* A caller that may not see who uses the device is not told that nobody does, and does not ask again. */
static bool stop_text(struct client *client, const char *uuid, char *buffer, size_t size) {
        const struct listed_device *device = lists_find_device(&client->lists, uuid);
        _cleanup_json_ json_object *users = NULL;
        json_object *first;
        char text[512];

        if (!device)
                return false;
        if (!client->users_unknown && users_fetch(client, &device->path, 1, &users) != 0)
                return false;
        client->users_unknown = !users;
        first = users ? json_object_array_get_idx(users, 0) : NULL;
        if (first) {
                user_text(first, text, sizeof(text));
                snprintf(buffer, size, "Waiting for %s to release %s", text, uuid);
        } else if (!users && option_given(client->options, OPTION_WAIT)) {
                snprintf(buffer, size, "Waiting for the user of %s to release it", uuid);
        } else {
                snprintf(buffer, size, "Waiting for the driver of %s to remove %s", device->parent, uuid);
        }
        return true;
}

static bool start_text(struct client *client, const struct call_arguments *arguments, char *buffer, size_t size) {
        const struct listed_definition *definition =
                lists_find_definition(&client->lists, arguments->uuid, arguments->parent);
        _cleanup_close_ int fd = client_is_local(client) ? sysfs_open_device(arguments->uuid) : -1;

        if (!definition)
                return false;
        if (option_given(client->options, OPTION_WAIT) && fd < 0)
                snprintf(buffer, size, "Waiting for an instance of %s on %s to start %s", definition->type,
                         definition->parent, arguments->uuid);
        else
                snprintf(buffer, size, "Waiting for the driver of %s to create %s", definition->parent,
                         arguments->uuid);
        return true;
}

const char *waiting_text(struct client *client, const struct call *call, const char *otherwise, char *buffer,
                         size_t size) {
        struct call_arguments arguments;
        bool known = false;

        if (!call_read_arguments(call->message, &arguments))
                return otherwise;
        if (streq(arguments.member, "StopDevice"))
                known = stop_text(client, arguments.uuid, buffer, size);
        else if (streq(arguments.member, "StartDevice"))
                known = start_text(client, &arguments, buffer, size);
        else if (streq(arguments.member, "CreateDevice")) {
                snprintf(buffer, size, "Waiting for the driver of %s to create %s", arguments.parent,
                         *arguments.uuid ? arguments.uuid : "a device");
                known = true;
        }
        if (!known)
                return otherwise;
        utf8_make_line(buffer);
        return buffer;
}
