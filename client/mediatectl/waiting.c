/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a call waits for. */

#include "client/mediatectl/waiting.h"

#include <errno.h>

#include "common/holders.h"
#include "common/sysfs.h"
#include "common/utf8.h"

/* The first process that uses the device. */
struct holder {
        pid_t pid;
        char name[64];
};

static int note_holder(pid_t pid, const char *name, void *userdata) {
        struct holder *holder = userdata;

        *holder = (struct holder) { .pid = pid };
        snprintf(holder->name, sizeof(holder->name), "%s", name);
        return -ECANCELED;
}

static bool find_holder(const char *uuid, struct holder *ret) {
        _cleanup_close_ int fd = sysfs_open_device(uuid);

        *ret = (struct holder) {};
        if (fd >= 0)
                (void) holders_find(fd, note_holder, ret);
        return ret->pid > 0;
}

static const char *parent_of_device(const struct lists *lists, const char *uuid) {
        for (size_t i = 0; i < lists->devices.n; i++)
                if (streq(lists->devices.items[i].uuid, uuid))
                        return lists->devices.items[i].parent;
        return NULL;
}

static const struct listed_definition *find_definition(const struct lists *lists,
                                                       const struct call_arguments *arguments) {
        for (size_t i = 0; i < lists->definitions.n; i++) {
                const struct listed_definition *definition = &lists->definitions.items[i];

                if (streq(definition->uuid, arguments->uuid) &&
                    (!*arguments->parent || streq(definition->parent, arguments->parent)))
                        return definition;
        }
        return NULL;
}

/* Nobody but root can see that nobody uses the device. */
static bool stop_text(struct client *client, const char *uuid, char *buffer, size_t size) {
        const char *parent = parent_of_device(&client->lists, uuid);
        struct holder holder;

        if (client_is_local(client) && find_holder(uuid, &holder))
                snprintf(buffer, size, "Waiting for process %d (%s) to release %s", holder.pid, holder.name, uuid);
        else if (option_given(client->options, OPTION_WAIT) && (!client_is_local(client) || geteuid() != 0))
                snprintf(buffer, size, "Waiting for the user of %s to release it", uuid);
        else
                snprintf(buffer, size, "Waiting for the driver%s%s to remove %s", parent ? " of " : "",
                         parent ? parent : "", uuid);
        return true;
}

static bool start_text(struct client *client, const struct call_arguments *arguments, char *buffer, size_t size) {
        const struct listed_definition *definition = find_definition(&client->lists, arguments);
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
