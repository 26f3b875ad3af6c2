/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many devices clients create and remove in a second that never rest: by mediated, and by a minimal service (see
 * floor.h), in turns. Each client has a connection of its own and one call at a time. */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "tests/benchmark/floor.h"
#include "tests/benchmark/samples.h"
#include "tests/race/calls.h"

#define CLIENTS_MAX 256

struct throughput {
        sd_event *event;
        const char *parent, *type;
        char create_path[PATH_MAX];
        bool by_daemon;                 /* otherwise by the minimal service */
        bool ending;                    /* clients do not create any more */
        unsigned int n_busy;            /* clients that have a device, or a call under way */
        uint64_t n_done;                /* devices that were created and removed */
};

struct client {
        struct throughput *throughput;
        sd_bus *bus;
        char uuid[SD_ID128_UUID_STRING_MAX];
        bool has_device;
};

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error);

static int begin_create(struct client *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        const struct throughput *t = c->throughput;
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r < 0)
                return r;
        sd_id128_to_uuid_string(id, c->uuid);
        r = t->by_daemon ? call_new_create(c->bus, &message, c->uuid, t->parent, t->type)
                         : floor_new_write(c->bus, &message, t->create_path, c->uuid);
        return r < 0 ? r : sd_bus_call_async(c->bus, NULL, message, on_answer, c, 0);
}

static int begin_stop(struct client *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        char path[PATH_MAX];
        int r;

        snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/remove", c->uuid);
        r = c->throughput->by_daemon ? call_new_stop(c->bus, &message, c->uuid, false)
                                     : floor_new_write(c->bus, &message, path, "1");
        return r < 0 ? r : sd_bus_call_async(c->bus, NULL, message, on_answer, c, 0);
}

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error) {
        struct client *c = userdata;
        struct throughput *t = c->throughput;
        int r;

        if (sd_bus_message_is_method_error(answer, NULL)) {
                fprintf(stderr, "throughput: %s of %s failed: %s\n", c->has_device ? "stop" : "create", c->uuid,
                        sd_bus_message_get_error(answer)->message);
                return sd_event_exit(t->event, -EIO);
        }

        c->has_device = !c->has_device;
        if (!c->has_device)
                t->n_done++;
        if (!c->has_device && t->ending) {
                t->n_busy--;
                return t->n_busy == 0 ? sd_event_exit(t->event, 0) : 0;
        }

        r = c->has_device ? begin_stop(c) : begin_create(c);
        return r < 0 ? sd_event_exit(t->event, r) : 0;
}

static int on_end(sd_event_source *source, uint64_t usec, void *userdata) {
        struct throughput *t = userdata;

        t->ending = true;
        return 0;
}

static int client_open(struct client *c, struct throughput *t) {
        int r;

        c->throughput = t;
        r = sd_bus_open_system(&c->bus);
        if (r >= 0)
                r = sd_bus_attach_event(c->bus, t->event, 0);
        return r;
}

/* Lets @n_clients clients of one service work for @usec µs. Adds how many devices they made in a second to *@sum. */
static int run_slice(const struct throughput *options, bool by_daemon, unsigned int n_clients, uint64_t usec,
                     double *sum) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        struct throughput t = *options;
        struct client clients[CLIENTS_MAX] = {};
        uint64_t begin;
        int r;

        r = sd_event_new(&event);
        if (r < 0)
                return r;
        t.event = event;
        t.by_daemon = by_daemon;
        t.n_busy = n_clients;

        for (unsigned int i = 0; r >= 0 && i < n_clients; i++)
                r = client_open(clients + i, &t);
        begin = monotonic_nsec();
        for (unsigned int i = 0; r >= 0 && i < n_clients; i++)
                r = begin_create(clients + i);
        if (r >= 0)
                r = sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, usec, 0, on_end, &t);
        if (r >= 0)
                r = sd_event_loop(event);
        if (r >= 0)
                *sum += (double) t.n_done / ((double) (monotonic_nsec() - begin) / 1e9);

        for (unsigned int i = 0; i < n_clients; i++)
                sd_bus_flush_close_unref(clients[i].bus);
        return r;
}

/* In turns, so that whatever else the machine does hits both. */
static int measure(const struct throughput *options, unsigned int n_clients, unsigned int n_slices, uint64_t usec) {
        double daemon = 0, floor = 0;
        int r = 0;

        for (unsigned int i = 0; r >= 0 && i < n_slices; i++) {
                r = run_slice(options, i % 2 == 0, n_clients, usec, i % 2 == 0 ? &daemon : &floor);
                if (r >= 0)
                        r = run_slice(options, i % 2 != 0, n_clients, usec, i % 2 != 0 ? &daemon : &floor);
        }
        if (r < 0)
                return r;

        printf("throughput_%u_daemon %.0f devices/s\n", n_clients, daemon / n_slices);
        printf("throughput_%u_floor %.0f devices/s\n", n_clients, floor / n_slices);
        printf("throughput_%u_ratio %.3f x\n", n_clients, daemon / floor);
        return 0;
}

static void usage(FILE *f) {
        fputs("Usage: throughput [--parent NAME] [--type NAME] [CLIENTS…]\n\n"
              "Measures how many devices in a second CLIENTS (1, 8 and 64) create and remove over D-Bus, by mediated "
              "and by a\nminimal service, in turns; prints one `name value unit` a line. For simulated hosts and "
              "guests: it adds a policy\nto the system bus for as long as it runs.\n\n"
              "  --parent NAME    where to create devices (mtty); it needs room for each client's device\n"
              "  --type NAME      of which type (mtty-1)\n", f);
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "parent", required_argument, NULL, 'p' },
                { "type", required_argument, NULL, 't' },
                { "help", no_argument, NULL, 'h' },
                { "floor", no_argument, NULL, 'f' },
                {},
        };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        struct throughput t = { .parent = "mtty", .type = "mtty-1" };
        unsigned int clients[] = { 1, 8, 64, 0, 0, 0, 0, 0 }, n = 3;
        pid_t floor_pid = 0;
        int c, r;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'p':
                        t.parent = optarg;
                        break;
                case 't':
                        t.type = optarg;
                        break;
                case 'h':
                        usage(stdout);
                        return EXIT_SUCCESS;
                case 'f':
                        return floor_main();
                default:
                        usage(stderr);
                        return 2;
                }
        if (optind < argc)
                for (n = 0; optind < argc && n < ELEMENTSOF(clients); optind++)
                        clients[n++] = (unsigned int) atoi(argv[optind]);
        for (unsigned int i = 0; i < n; i++)
                if (clients[i] < 1 || clients[i] > CLIENTS_MAX) {
                        usage(stderr);
                        return 2;
                }

        snprintf(t.create_path, sizeof(t.create_path), "/sys/class/mdev_bus/%s/mdev_supported_types/%s/create",
                 t.parent, t.type);
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = floor_start(bus, &floor_pid);
        for (unsigned int i = 0; r >= 0 && i < n; i++)
                r = measure(&t, clients[i], 4, 1000000);
        if (bus)
                floor_stop(bus, floor_pid);
        if (r < 0)
                fprintf(stderr, "throughput: %s\n", strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
