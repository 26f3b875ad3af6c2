/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The race that the kernel loses: two processes, one creating and one stopping the same UUID as fast as they can.
 * Through the daemon nobody may ever hear of EAGAIN and no device may be wedged or left over; with raw writes (--raw)
 * the device is wedged soon. Counts what was answered and prints one `NAME COUNT` a line. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <uuid/uuid.h>

#include "common/macro.h"

#define BUS_NAME "org.mediated1"
#define OBJECT "/org/mediated1"
#define INTERFACE "org.mediated1.Manager"
#define ERROR_EXISTS "org.mediated1.Error.AlreadyExists"
#define ERROR_NO_DEVICE "org.mediated1.Error.NoSuchDevice"
#define CALL_USEC (60 * USEC_PER_SEC)
#define OUTCOMES_MAX 32
#define WEDGED_POLLS 300

struct outcome {
        char name[96];
        unsigned long n;
};

/* Shared by both processes; each writes to its own half. */
struct side {
        struct outcome outcomes[OUTCOMES_MAX];
        unsigned long n_success;
};

struct race {
        struct side create, stop;
        volatile bool creator_ended;
        char uuid[UUID_STR_LEN];
        const char *parent;
        const char *type;
        unsigned long n_pairs;
};

static void count(struct side *side, const char *name) {
        for (size_t i = 0; i < OUTCOMES_MAX; i++) {
                struct outcome *outcome = side->outcomes + i;

                if (!outcome->name[0])
                        snprintf(outcome->name, sizeof(outcome->name), "%s", name);
                if (streq(outcome->name, name)) {
                        outcome->n++;
                        return;
                }
        }
}

/* Counts a call's outcome; returns whether it was a success. */
static bool count_call(struct side *side, int r, sd_bus_error *error) {
        count(side, r >= 0 ? "success" : error->name ? error->name : strerror(-r));
        side->n_success += r >= 0;
        sd_bus_error_free(error);
        return r >= 0;
}

static int call(sd_bus *bus, struct side *side, sd_bus_message *message) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call(bus, message, CALL_USEC, &error, NULL);
        return count_call(side, r, &error);
}

static int create(sd_bus *bus, struct race *race) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &message, BUS_NAME, OBJECT, INTERFACE, "CreateDevice");
        if (r >= 0)
                r = sd_bus_message_append(message, "sssa(ss)a{sv}", race->uuid, race->parent, race->type, 0, 0);
        return r < 0 ? r : call(bus, &race->create, message);
}

static int stop(sd_bus *bus, struct race *race) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &message, BUS_NAME, OBJECT, INTERFACE, "StopDevice");
        if (r >= 0)
                r = sd_bus_message_append(message, "sa{sv}", race->uuid, 0);
        return r < 0 ? r : call(bus, &race->stop, message);
}

static int run_creator(struct race *race) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        while (r >= 0 && race->create.n_success < race->n_pairs)
                r = create(bus, race);
        race->creator_ended = true;
        return r < 0 ? r : 0;
}

/* Goes on until there is nothing left to stop. */
static int run_stopper(struct race *race) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        bool ended;
        int r;

        r = sd_bus_open_system(&bus);
        if (r < 0)
                return r;
        do {
                ended = race->creator_ended;
                r = stop(bus, race);
        } while (r > 0 || (r == 0 && !ended));
        return r;
}

static int write_file(const char *path, const char *text) {
        int fd, r = 0;

        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (write(fd, text, strlen(text)) < 0)
                r = -errno;
        close(fd);
        return r;
}

static bool count_write(struct side *side, int r) {
        const char *name = r < 0 ? strerrorname_np(-r) : "success";

        count(side, name ? name : "unknown");
        side->n_success += r >= 0;
        return r >= 0;
}

static void device_file(const struct race *race, const char *name, char ret[static PATH_MAX]) {
        snprintf(ret, PATH_MAX, "/sys/bus/mdev/devices/%s/%s", race->uuid, name);
}

static bool is_wedged(const struct race *race) {
        char remove[PATH_MAX], type[PATH_MAX];

        device_file(race, "remove", remove);
        device_file(race, "mdev_type", type);
        return access(remove, F_OK) < 0 && access(type, F_OK) >= 0;
}

/* The kernel shows a device so for a moment while it removes it; a wedged one stays so. */
static bool stays_wedged(const struct race *race) {
        for (int i = 0; i < WEDGED_POLLS; i++) {
                if (!is_wedged(race))
                        return false;
                usleep(5000);
        }
        return true;
}

static int run_raw_creator(struct race *race) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "/sys/class/mdev_bus/%s/mdev_supported_types/%s/create", race->parent, race->type);
        for (unsigned long i = 0; race->create.n_success < race->n_pairs; i++) {
                (void) count_write(&race->create, write_file(path, race->uuid));
                if (i % 1024 == 1023 && is_wedged(race) && stays_wedged(race))
                        break;
        }
        race->creator_ended = true;
        return 0;
}

static int run_raw_stopper(struct race *race) {
        char path[PATH_MAX];
        bool ended;

        device_file(race, "remove", path);
        do {
                ended = race->creator_ended;
                (void) count_write(&race->stop, write_file(path, "1"));
        } while (!ended);
        return 0;
}

static pid_t start(int (*run)(struct race *race), struct race *race) {
        pid_t pid;
        int r;

        pid = fork();
        if (pid != 0)
                return pid;

        r = run(race);
        if (r < 0)
                fprintf(stderr, "race-client: %s\n", strerror(-r));
        _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void print(const char *verb, const struct side *side) {
        for (size_t i = 0; i < OUTCOMES_MAX && side->outcomes[i].name[0]; i++)
                printf("%s.%s %lu\n", verb, side->outcomes[i].name, side->outcomes[i].n);
}

static bool device_exists(const struct race *race) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "/sys/class/mdev_bus/%s/%s", race->parent, race->uuid);
        return access(path, F_OK) >= 0;
}

/* Whether nothing was answered but success and, to the one who came too late, that there is a device or none. */
static bool is_as_promised(const struct side *side, const char *too_late) {
        for (size_t i = 0; i < OUTCOMES_MAX && side->outcomes[i].name[0]; i++)
                if (!streq(side->outcomes[i].name, "success") && !streq(side->outcomes[i].name, too_late))
                        return false;
        return true;
}

static int run(struct race *race, bool raw) {
        bool failed, left, wedged;
        pid_t creator, stopper;
        int status;

        creator = start(raw ? run_raw_creator : run_creator, race);
        stopper = start(raw ? run_raw_stopper : run_stopper, race);
        if (creator < 0 || stopper < 0)
                return EXIT_FAILURE;
        failed = waitpid(creator, &status, 0) < 0 || status != 0;
        failed = waitpid(stopper, &status, 0) < 0 || status != 0 || failed;

        print("create", &race->create);
        print("stop", &race->stop);
        left = device_exists(race);
        wedged = is_wedged(race) && stays_wedged(race);
        printf("left %d\nwedged %d\n", left, wedged);

        if (!raw)
                failed = failed || left || wedged || !is_as_promised(&race->create, ERROR_EXISTS) ||
                         !is_as_promised(&race->stop, ERROR_NO_DEVICE);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(FILE *f) {
        fprintf(f,
                "race-client [--pairs N] [--raw] PARENT TYPE\n\n"
                "One process creates and one stops the same new UUID, until it was created N (2000) times. Prints how "
                "often\neach was answered what, and whether the device is left over or wedged, and fails when that is "
                "so or when an\nanswer was not what is promised. --raw: with writes to sysfs instead of calls of the "
                "daemon; ends when the\ndevice is wedged, which is no failure.\n");
        return f == stdout ? EXIT_SUCCESS : 2;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "pairs", required_argument, NULL, 'p' },
                { "raw", no_argument, NULL, 'r' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        struct race *race;
        bool raw = false;
        uuid_t uuid;
        int c;

        race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (race == MAP_FAILED)
                return EXIT_FAILURE;
        race->n_pairs = 2000;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'p':
                        race->n_pairs = strtoul(optarg, NULL, 10);
                        break;
                case 'r':
                        raw = true;
                        break;
                case 'h':
                        return usage(stdout);
                default:
                        return usage(stderr);
                }
        if (argc - optind != 2 || race->n_pairs == 0)
                return usage(stderr);
        race->parent = argv[optind];
        race->type = argv[optind + 1];
        uuid_generate(uuid);
        uuid_unparse_lower(uuid, race->uuid);

        return run(race, raw);
}
