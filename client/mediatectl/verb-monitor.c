/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl monitor. */

#include <errno.h>
#include <time.h>

#include "client/mediatectl/event-filter.h"
#include "client/mediatectl/verbs.h"
#include "client/output/tell.h"
#include "client/output/terminal.h"
#include "client/shared/bus-json.h"

static int print_line(const struct event *event, const struct tm *tm, long msec) {
        _cleanup_free_ char *line = NULL;
        char time_text[16];
        int r;

        r = event_format(event, &line);
        if (r < 0)
                return r;
        strftime(time_text, sizeof(time_text), "%T", tm);
        printf("%s.%03ld %s\n", time_text, msec, line);
        return 0;
}

static int print_json(const struct event *event, const struct tm *tm, long msec) {
        _cleanup_json_ json_object *object = NULL;
        _cleanup_free_ char *text = NULL;
        char second[32], zone[8], time_text[64], *minutes;
        int r;

        r = event_to_json(event, &object);
        if (r < 0)
                return r;
        strftime(second, sizeof(second), "%FT%T", tm);
        strftime(zone, sizeof(zone), "%z", tm);
        /* RFC 3339 wants a colon, which strftime() of this C library does not know. */
        minutes = zone + strlen("+00");
        snprintf(time_text, sizeof(time_text), "%s.%03ld%.3s:%s", second, msec, zone, minutes);
        json_put(&object, "time", json_object_new_string(time_text));
        r = object ? json_text_print(object, &text) : -ENOMEM;
        if (r < 0)
                return r;
        put_json(stdout, text, strlen(text));
        putchar('\n');
        return 0;
}

/* What the callbacks get. */
struct monitor {
        struct client *client;
        struct event_filter filter;
};

static int print_event(struct client *client, const struct event *event) {
        struct timespec now;
        struct tm tm;
        int r;

        clock_gettime(CLOCK_REALTIME, &now);
        localtime_r(&now.tv_sec, &tm);
        if (option_given(client->options, OPTION_JSON))
                r = print_json(event, &tm, now.tv_nsec / 1000000);
        else
                r = print_line(event, &tm, now.tv_nsec / 1000000);

        /* A program at the other end of a pipe gets each event at once. */
        fflush(stdout);
        return r;
}

/* A parent whose types are being fetched. */
struct types_request {
        struct client *client;
        char *parent;
};

static void types_request_free(void *userdata) {
        struct types_request *request = userdata;

        free(request->parent);
        free(request);
}

static int on_types(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct types_request *request = userdata;
        _cleanup_event_ struct event event = { .object = "parent", .event = "changed" };
        json_object *types;
        int r;

        /* The parent has disappeared meanwhile. */
        if (sd_bus_message_is_method_error(reply, NULL))
                return 0;

        event.subject = strdup(request->parent);
        event.properties = json_object_new_object();
        if (!event.subject || !event.properties)
                return -ENOMEM;
        r = bus_json_read(reply, &types);
        if (r < 0)
                return r;
        json_put(&event.properties, "Types", types);
        return event.properties ? print_event(request->client, &event) : -ENOMEM;
}

/* The signal about changed types does not carry them. */
static int ask_types(struct client *client, const char *path, const char *parent) {
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        struct types_request *request = calloc(1, sizeof(*request));
        int r;

        if (!request)
                return -ENOMEM;
        *request = (struct types_request) { client, strdup(parent) };
        r = request->parent ? sd_bus_call_method_async(client->bus, &slot, BUS_NAME, path,
                                                       "org.freedesktop.DBus.Properties", "Get", on_types, request,
                                                       "ss", BUS_NAME ".Parent", "Types")
                            : -ENOMEM;
        if (r < 0) {
                types_request_free(request);
                return r;
        }
        sd_bus_slot_set_destroy_callback(slot, types_request_free);
        return sd_bus_slot_set_floating(slot, true);
}

static int on_signal(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error) {
        _cleanup_event_ struct event event = {};
        struct monitor *monitor = userdata;
        struct client *client = monitor->client;
        int r;

        r = event_read(signal, &event);
        if (r > 0)
                r = event_filter_wants(&monitor->filter, &event);
        if (r > 0 && streq(event.object, "parent") && streq(event.event, "changed"))
                r = ask_types(client, sd_bus_message_get_path(signal), event.subject);
        else if (r > 0)
                r = print_event(client, &event);
        /* After a signal that cannot be read, the others are still of interest. */
        if (r < 0)
                tell("Cannot read a signal: %s", strerror(-r));
        return 0;
}

static int subscribe(struct monitor *monitor) {
        static const char *const matches[] = {
                "type='signal',sender='" BUS_NAME "',path_namespace='" BUS_ROOT "'",
                "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" BUS_NAME "'",
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(matches); i++) {
                r = sd_bus_add_match(monitor->client->bus, NULL, matches[i], on_signal, monitor);
                if (r < 0)
                        return tell_status(STATUS_FAILED, "Cannot watch the daemon: %s", strerror(-r));
        }
        return 0;
}

/* Starts the daemon if it is not running. */
static int print_daemon(struct client *client) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_event_ struct event event = { .object = "daemon" };
        _cleanup_free_ char *version = NULL;
        int r;

        r = sd_bus_get_property_string(client->bus, BUS_NAME, BUS_ROOT, BUS_MANAGER, "Version", &error, &version);
        if (r < 0)
                return tell_error(&error);
        strcpy(event.event, "running");
        event.subject = strdup("mediated");
        event.properties = json_object_new_object();
        json_put(&event.properties, "Version", json_object_new_string(version));
        if (!event.subject || !event.properties)
                return -ENOMEM;
        return print_event(client, &event);
}

static int run(struct monitor *monitor, char **arguments, size_t n) {
        struct client *client = monitor->client;
        int r;

        r = client_connect(client);
        /* Signals that come while the filter learns which UUIDs are on a parent are read afterwards. */
        if (r == 0)
                r = subscribe(monitor);
        if (r == 0)
                r = event_filter_init(client, arguments, n, &monitor->filter);
        if (r == 0)
                r = print_daemon(client);
        if (r != 0)
                return r;

        for (;;) {
                r = sd_bus_process(client->bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(client->bus, UINT64_MAX);
                if (r < 0 && r != -EINTR)
                        return tell_status(STATUS_FAILED, "The connection to the bus was lost: %s", strerror(-r));
        }
}

int verb_monitor(struct client *client, char **arguments, size_t n) {
        struct monitor monitor = { .client = client };
        int r;

        r = run(&monitor, arguments, n);
        event_filter_clear(&monitor.filter);
        return r;
}
