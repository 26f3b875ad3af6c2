/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The processes that use a device. */

#include "client/mediatectl/users.h"

#include <errno.h>

#include "client/mediatectl/calls.h"
#include "client/mediatectl/keys.h"
#include "client/shared/bus-json.h"

static int add_call(struct calls *calls, const char *path) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(calls->client->bus, &message, BUS_NAME, path, BUS_NAME ".Device",
                                           "GetUsers");
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(message, false);
        return r < 0 ? r : calls_add(calls, TAKE_PTR(message), NULL);
}

static int read_users(sd_bus_message *reply, json_object **ret) {
        _cleanup_json_ json_object *users = json_object_new_array();
        const char *command, *machine;
        uint32_t pid;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(uss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(uss)", &pid, &command, &machine)) > 0) {
                json_object *user = json_object_new_object();

                json_put(&user, "pid", json_object_new_int64(pid));
                keys_put_text(&user, "command", command);
                keys_put_text(&user, "machine", machine);
                json_push(&users, user);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(users);
        return *ret ? 0 : -ENOMEM;
}

int users_fetch(struct client *client, const char *const *paths, size_t n, json_object **ret) {
        _cleanup_calls_ struct calls calls = { .client = client };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = add_call(&calls, paths[i]);
        if (r >= 0)
                r = calls_run(&calls, NULL);
        for (size_t i = 0; r == 0 && i < n; i++)
                if (!call_error(&calls.items[i]))
                        r = read_users(calls.items[i].reply, &ret[i]);
        return r;
}

void user_text(json_object *user, char *buffer, size_t size) {
        const char *machine = json_text(user, "machine"), *command = json_text(user, "command");
        const char *pid = json_text(user, "pid");

        if (*machine)
                snprintf(buffer, size, "%s (%s, process %s)", machine, command, pid);
        else
                snprintf(buffer, size, "%s (process %s)", command, pid);
}

char *users_cell(json_object *users, bool as_json) {
        size_t n = json_object_array_length(users), size;
        char *text = NULL;
        FILE *file;

        if (as_json) {
                const char *json = json_object_to_json_string_ext(users, JSON_C_TO_STRING_NOSLASHESCAPE);

                return json ? strdup(json) : NULL;
        }
        file = open_memstream(&text, &size);
        if (!file)
                return NULL;
        for (size_t i = 0; i < n; i++) {
                json_object *user = json_object_array_get_idx(users, i);
                const char *machine = json_text(user, "machine");

                fprintf(file, "%s%s", i > 0 ? ", " : "", *machine ? machine : json_text(user, "command"));
        }
        if (fclose(file) == EOF) {
                free(text);
                return NULL;
        }
        return text;
}
