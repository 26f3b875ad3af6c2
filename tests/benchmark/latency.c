/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a create and a remove cost over D-Bus, beside what they must cost at the least.
 *
 * All is measured in turns, on the same connection, so that whatever else the machine does hits all alike. */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>
#include <time.h>

#include "tests/benchmark/floor.h"
#include "tests/benchmark/samples.h"
#include "tests/race/calls.h"

#define SUBJECTS 4
#define SUBJECT_ORDERS 24               /* 4! */

enum measure {
        RAW_CREATE,
        RAW_REMOVE,
        PING,
        FLOOR_CREATE,
        FLOOR_REMOVE,
        CREATE_DEVICE,
        STOP_DEVICE,
        _MEASURE_MAX,
};

struct benchmark {
        sd_bus *bus;
        unsigned long iterations, warmup, pause_msec;
        const char *parent, *type;
        char create_path[PATH_MAX], remove_path[PATH_MAX];
        char uuid[SD_ID128_UUID_STRING_MAX];
        struct samples samples[_MEASURE_MAX];
};

static volatile sig_atomic_t interrupted;

static int floor_write(struct benchmark *b, const char *path, const char *text) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = floor_new_write(b->bus, &message, path, text);
        return r < 0 ? r : sd_bus_call(b->bus, message, 0, NULL, NULL);
}

static int ping(struct benchmark *b) {
        return sd_bus_call_method(b->bus, CALL_NAME, CALL_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL,
                                  NULL);
}

static int perform(struct benchmark *b, enum measure measure) {
        switch (measure) {
        case RAW_CREATE:
                return write_file(b->create_path, b->uuid);
        case RAW_REMOVE:
                return write_file(b->remove_path, "1");
        case PING:
                return ping(b);
        case FLOOR_CREATE:
                return floor_write(b, b->create_path, b->uuid);
        case FLOOR_REMOVE:
                return floor_write(b, b->remove_path, "1");
        case CREATE_DEVICE:
                return call_create(b->bus, b->uuid, b->parent, b->type, NULL);
        case STOP_DEVICE:
                return call_stop(b->bus, b->uuid, false, NULL);
        default:
                return -EINVAL;
        }
}

static int measure(struct benchmark *b, enum measure what, bool counts) {
        uint64_t begin, end;
        int r;

        if (b->pause_msec > 0)
                (void) nanosleep(&(struct timespec) { .tv_sec = (time_t) (b->pause_msec / 1000),
                                                      .tv_nsec = (long) (b->pause_msec % 1000) * 1000000 }, NULL);

        begin = monotonic_nsec();
        r = perform(b, what);
        end = monotonic_nsec();
        if (r < 0) {
                fprintf(stderr, "latency: %s of %s failed: %s\n", b->samples[what].name, b->uuid, strerror(-r));
                return r;
        }

        return counts ? samples_add(b->samples + what, end - begin) : 0;
}

/* Every device has a UUID of its own: the kernel frees one a little after its device is gone. */
static int create_and_remove(struct benchmark *b, enum measure create, enum measure remove, bool counts) {
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r < 0)
                return r;
        sd_id128_to_uuid_string(id, b->uuid);
        snprintf(b->remove_path, sizeof(b->remove_path), "/sys/bus/mdev/devices/%s/remove", b->uuid);

        r = measure(b, create, counts);
        if (r < 0)
                return r;
        r = measure(b, remove, counts);
        if (r < 0)
                (void) write_file(b->remove_path, "1");
        return r;
}

static int run_subject(struct benchmark *b, unsigned int subject, bool counts) {
        switch (subject) {
        case 0:
                return measure(b, PING, counts);
        case 1:
                return create_and_remove(b, RAW_CREATE, RAW_REMOVE, counts);
        case 2:
                return create_and_remove(b, FLOOR_CREATE, FLOOR_REMOVE, counts);
        default:
                return create_and_remove(b, CREATE_DEVICE, STOP_DEVICE, counts);
        }
}

/* Without rests, what a device leaves to do for udev and the daemon goes on during what comes next. All orders take
 * turns, so that each follows each equally often. */
static int run_round(struct benchmark *b, unsigned long round, bool counts) {
        unsigned int left[SUBJECTS] = { 0, 1, 2, 3 }, order = (unsigned int) (round % SUBJECT_ORDERS);
        int r;

        for (unsigned int n = SUBJECTS; n > 0; n--) {
                unsigned int i = order % n;

                order /= n;
                r = run_subject(b, left[i], counts);
                if (r < 0)
                        return r;
                left[i] = left[n - 1];
        }

        return 0;
}

static int run(struct benchmark *b) {
        int r;

        for (unsigned long i = 0; i < b->warmup + b->iterations; i++) {
                if (interrupted)
                        return -EINTR;
                r = run_round(b, i, i >= b->warmup);
                if (r < 0)
                        return r;
        }

        return 0;
}

static void print_ratio(struct benchmark *b, const char *name, enum measure measured, enum measure reference) {
        printf("%s %.3f x\n", name, samples_quantile(b->samples + measured, 50) /
                                    samples_quantile(b->samples + reference, 50));
}

static void print(struct benchmark *b) {
        printf("iterations %lu count\n", b->iterations);
        for (enum measure i = 0; i < _MEASURE_MAX; i++)
                samples_print(b->samples + i);
        print_ratio(b, "create_ratio", CREATE_DEVICE, FLOOR_CREATE);
        print_ratio(b, "stop_ratio", STOP_DEVICE, FLOOR_REMOVE);
}

static int run_and_print(struct benchmark *b) {
        pid_t floor_pid = 0;
        int r;

        r = sd_bus_open_system(&b->bus);
        if (r < 0) {
                fprintf(stderr, "latency: no system bus: %s\n", strerror(-r));
                return r;
        }

        r = floor_start(b->bus, &floor_pid);
        if (r < 0)
                fprintf(stderr, "latency: the floor service did not start: %s\n", strerror(-r));
        else
                r = run(b);
        floor_stop(b->bus, floor_pid);

        if (r >= 0)
                print(b);
        return r;
}

static int parse_number(const char *text, unsigned long *ret) {
        char *end;

        errno = 0;
        *ret = strtoul(text, &end, 10);
        if (errno == 0 && *text && !*end && *ret <= 1000000)
                return 0;

        fprintf(stderr, "latency: '%s' is not a number, or too large\n", text);
        return -EINVAL;
}

static void usage(FILE *f) {
        fputs("Usage: latency [OPTION…]\n\n"
              "Measures raw sysfs writes, the same writes behind a minimal D-Bus service (the floor), and "
              "CreateDevice\nand StopDevice of mediated, in turns; prints one `name value unit` a line. For simulated "
              "hosts and\nguests: it adds a policy to the system bus for as long as it runs.\n\n"
              "  --iterations N   how often each is measured (200)\n"
              "  --warmup N       rounds before that, not counted (24)\n"
              "  --parent NAME    where to create devices (mtty)\n"
              "  --type NAME      of which type (mtty-1)\n"
              "  --pause MS       rest before each measurement, so that udev and the daemon are idle (60)\n"
              "  --help           show this\n", f);
}

static int parse_options(int argc, char *argv[], struct benchmark *b) {
        static const struct option options[] = {
                { "iterations", required_argument, NULL, 'i' },
                { "warmup", required_argument, NULL, 'w' },
                { "parent", required_argument, NULL, 'p' },
                { "type", required_argument, NULL, 't' },
                { "pause", required_argument, NULL, 's' },
                { "help", no_argument, NULL, 'h' },
                { "floor", no_argument, NULL, 'f' },
                {},
        };
        int c, r = 0;

        while (r >= 0 && (c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'i':
                        r = parse_number(optarg, &b->iterations);
                        break;
                case 'w':
                        r = parse_number(optarg, &b->warmup);
                        break;
                case 's':
                        r = parse_number(optarg, &b->pause_msec);
                        break;
                case 'p':
                        b->parent = optarg;
                        break;
                case 't':
                        b->type = optarg;
                        break;
                case 'h':
                        usage(stdout);
                        exit(EXIT_SUCCESS);
                case 'f':
                        exit(floor_main());
                default:
                        r = -EINVAL;
                }

        if (r >= 0 && (optind < argc || b->iterations == 0))
                r = -EINVAL;
        return r;
}

static void on_interrupt(int signal) {
        interrupted = 1;
}

int main(int argc, char *argv[]) {
        struct benchmark b = {
                .iterations = 200,
                .warmup = 24,
                .pause_msec = 60,
                .parent = "mtty",
                .type = "mtty-1",
                .samples = {
                        [RAW_CREATE].name = "raw_create",
                        [RAW_REMOVE].name = "raw_remove",
                        [PING].name = "ping",
                        [FLOOR_CREATE].name = "floor_create",
                        [FLOOR_REMOVE].name = "floor_remove",
                        [CREATE_DEVICE].name = "create_device",
                        [STOP_DEVICE].name = "stop_device",
                },
        };
        int r;

        if (parse_options(argc, argv, &b) < 0) {
                usage(stderr);
                return 2;
        }
        snprintf(b.create_path, sizeof(b.create_path), "/sys/class/mdev_bus/%s/mdev_supported_types/%s/create",
                 b.parent, b.type);

        (void) sigaction(SIGINT, &(struct sigaction) { .sa_handler = on_interrupt, .sa_flags = SA_RESTART }, NULL);
        (void) sigaction(SIGTERM, &(struct sigaction) { .sa_handler = on_interrupt, .sa_flags = SA_RESTART }, NULL);

        r = run_and_print(&b);
        sd_bus_flush_close_unref(b.bus);
        for (enum measure i = 0; i < _MEASURE_MAX; i++)
                samples_clear(b.samples + i);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
