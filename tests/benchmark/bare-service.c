/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A service that gives answers of a wanted size, and does nothing else for them: the least that a load costs the bus
 * and its other clients. The member says what is answered: Return_SIZE or Error_SIZE. Under polkit's name it refuses
 * what it is asked for, and is silent about one action. */

#include <errno.h>
#include <error.h>
#include <systemd/sd-bus.h>

#include "common/macro.h"

#define ERROR_NAME "org.mediated1.Benchmark.Error"

static int answer_return(sd_bus_message *call, size_t size) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        void *bytes;
        int r;

        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = sd_bus_message_append_array_space(reply, 'y', size, &bytes);
        if (r < 0)
                return r;
        memset(bytes, 0, size);
        return sd_bus_message_send(reply);
}

static int answer_error(sd_bus_message *call, size_t size) {
        _cleanup_free_ char *text = malloc(size + 1);

        if (!text)
                return -ENOMEM;
        memset(text, 'x', size);
        text[size] = '\0';
        return sd_bus_reply_method_errorf(call, ERROR_NAME, "%s", text);
}

/* Not authorized, no challenge, no details. */
static int refuse(sd_bus_message *call, const char *silent_action) {
        const char *action;
        int r;

        r = sd_bus_message_skip(call, "(sa{sv})");
        if (r >= 0)
                r = sd_bus_message_read(call, "s", &action);
        if (r < 0 || (silent_action && streq(action, silent_action)))
                return r;
        return sd_bus_reply_method_return(call, "(bba{ss})", false, false, 0);
}

static int on_call(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
        const char *member = sd_bus_message_get_member(call);
        size_t size;
        int r;

        if (!sd_bus_message_is_method_call(call, NULL, NULL) || !member)
                return 0;
        if (sscanf(member, "Return_%zu", &size) == 1)
                r = answer_return(call, size);
        else if (sscanf(member, "Error_%zu", &size) == 1)
                r = answer_error(call, size);
        else if (streq(member, "CheckAuthorization"))
                r = refuse(call, userdata);
        else
                return 0;
        /* One answer after the other: whatever the bus does not take in yet would have to be kept. */
        if (r >= 0)
                r = sd_bus_flush(sd_bus_message_get_bus(call));
        return r < 0 ? r : 1;
}

int main(int argc, char *argv[]) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r;

        if (argc < 2 || argc > 3) {
                fprintf(stderr, "bare-service NAME [SILENT-ACTION]\n\n"
                                "Takes the name on the system bus, and prints `ready`.\n");
                return 2;
        }
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_add_filter(bus, NULL, on_call, argv[2]);
        if (r >= 0)
                r = sd_bus_request_name(bus, argv[1], 0);
        if (r >= 0) {
                puts("ready");
                fflush(stdout);
        }
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                if (r == -EINTR)
                        r = 0;
        }
        error(EXIT_FAILURE, -r, "bare-service");
        return EXIT_FAILURE;
}
