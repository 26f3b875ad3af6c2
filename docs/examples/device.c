/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creates a device, shows its node, and removes it again:
 *
 *     cc -o device device.c $(pkg-config --cflags --libs libsystemd)
 *     ./device PARENT TYPE
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define NAME "org.mediated1"
#define MANAGER_PATH "/org/mediated1"
#define MANAGER "org.mediated1.Manager"
#define DEVICE "org.mediated1.Device"

#define SECOND UINT64_C(1000000)

/* A driver may need long. We give up later than mediated does, so that we always get its answer. */
#define REQUEST_TIMEOUT (60 * SECOND)
#define CALL_TIMEOUT (70 * SECOND)

static sd_bus *bus;

static void check(int r) {
        if (r >= 0)
                return;
        fprintf(stderr, "%s\n", strerror(-r));
        exit(EXIT_FAILURE);
}

/* The texts are for people. A program decides by the name of the error. */
static void fail(const sd_bus_error *error) {
        fprintf(stderr, "%s\n", error->message);
        if (sd_bus_error_has_name(error, NAME ".Error.NoAvailableInstances"))
                fprintf(stderr, "Try another type or another parent\n");
        exit(EXIT_FAILURE);
}

static sd_bus_message *call(sd_bus_message *request) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply;

        if (sd_bus_call(bus, request, CALL_TIMEOUT, &error, &reply) < 0)
                fail(&error);
        sd_bus_message_unref(request);
        return reply;
}

static sd_bus_message *new_request(const char *method) {
        sd_bus_message *request;

        check(sd_bus_message_new_method_call(bus, &request, NAME, MANAGER_PATH, MANAGER, method));
        return request;
}

static char *create_device(const char *parent, const char *type, char **ret_uuid) {
        sd_bus_message *request = new_request("CreateDevice"), *reply;
        const char *uuid, *path;
        char *copy;

        /* An empty UUID asks for a random one. There are no attributes, and one option. */
        check(sd_bus_message_append(request, "sssa(ss)a{sv}", "", parent, type, 0, 1, "timeout-usec", "t",
                                    REQUEST_TIMEOUT));
        reply = call(request);
        check(sd_bus_message_read(reply, "so", &uuid, &path));
        *ret_uuid = strdup(uuid);
        copy = strdup(path);
        sd_bus_message_unref(reply);
        return copy;
}

static void stop_device(const char *uuid) {
        sd_bus_message *request = new_request("StopDevice");

        check(sd_bus_message_append(request, "sa{sv}", uuid, 1, "timeout-usec", "t", REQUEST_TIMEOUT));
        sd_bus_message_unref(call(request));
}

static void print_node(const char *path) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        char *node;

        if (sd_bus_get_property_string(bus, NAME, path, DEVICE, "DeviceNode", &error, &node) < 0)
                fail(&error);
        printf("node %s\n", node);
        free(node);
}

int main(int argc, char *argv[]) {
        char *uuid, *path;

        if (argc != 3) {
                fprintf(stderr, "Usage: %s PARENT TYPE\n", argv[0]);
                return 2;
        }
        check(sd_bus_open_system(&bus));

        path = create_device(argv[1], argv[2], &uuid);
        printf("created %s\n", uuid);
        print_node(path);
        stop_device(uuid);
        printf("stopped %s\n", uuid);

        free(path);
        free(uuid);
        sd_bus_flush_close_unref(bus);
        return EXIT_SUCCESS;
}
