/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The race for a few virtual functions (VFs) of vendor VFIO: clients that create and stop vGPUs by the daemon, and raw
 * writers that set and clear types without asking it.
 *
 * Where the driver checks and sets in one step, each vGPU has one owner: whoever has set its type. Nobody else may
 * clear or overwrite it. So what a client was told exists is there until the client stops it, and what a raw writer has
 * set is there until that writer clears it. With --loose the driver takes time between check and set, as the real one
 * does. Two writers of one VF can both succeed then, so that either may lose its vGPU to the other; but a client may
 * lose it only to a raw writer. In both cases nothing is left over at the end.
 *
 * Prints one `NAME COUNT` a line. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <uuid/uuid.h>

#include "common/macro.h"
#include "tests/race/calls.h"

#define VFS_MAX 64
#define PROCESSES_MAX 64
#define KEEP_USEC_MAX 2000
#define TYPE_PREFIX "nvidia-"

enum count {
        COUNT_CREATED,
        COUNT_REFUSED,  /* because the VF has a vGPU */
        COUNT_STOPPED,
        COUNT_LOST,     /* to a raw writer, with --loose */
        COUNT_RAW_SET,
        COUNT_RAW_REFUSED,
        COUNT_RAW_LOST, /* with --loose */
        /* From here on each must be 0. */
        COUNT_FAILED,           /* calls that failed for another reason */
        COUNT_UNTRUE,           /* acknowledged, but not there, or gone before it was stopped */
        COUNT_RAW_CLEARED,      /* a raw writer's vGPU, by somebody else */
        COUNT_LEFT,             /* VFs that have a type at the end */
        _COUNT_MAX,
};

static const char *const count_names[_COUNT_MAX] = {
        [COUNT_CREATED] = "create.success",    [COUNT_REFUSED] = "create.NoAvailableInstances",
        [COUNT_STOPPED] = "stop.success",      [COUNT_LOST] = "lost",
        [COUNT_RAW_SET] = "raw.set.success",   [COUNT_RAW_REFUSED] = "raw.set.refused",
        [COUNT_RAW_LOST] = "raw.lost",         [COUNT_FAILED] = "failed",
        [COUNT_UNTRUE] = "untrue",             [COUNT_RAW_CLEARED] = "raw.cleared",
        [COUNT_LEFT] = "left",
};

/* Shared by all processes. */
struct race {
        atomic_ulong counts[_COUNT_MAX];
        atomic_ulong n_calls;
        atomic_ulong raw_steps[VFS_MAX]; /* begins and ends of the raw writes to each VF */
        atomic_bool ended;
        unsigned long n_calls_max;
        bool loose;
        const char *vfs[VFS_MAX];
        unsigned int n_vfs;
        const char *types[2];
};

/* Each process has its own. */
static unsigned short random_state[3];

static void count(struct race *race, enum count which) {
        atomic_fetch_add(&race->counts[which], 1);
}

static void complain(struct race *race, enum count which, unsigned int vf, const char *format, ...) {
        va_list args;

        count(race, which);
        fprintf(stderr, "vgpu-race: %s: %s: ", count_names[which], race->vfs[vf]);
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputc('\n', stderr);
}

static unsigned int choose(unsigned int n) {
        return (unsigned int) nrand48(random_state) % n;
}

static int open_vf(const struct race *race, unsigned int vf, int flags) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/nvidia/current_vgpu_type", race->vfs[vf]);
        return open(path, flags | O_CLOEXEC);
}

static long read_type(const struct race *race, unsigned int vf) {
        _cleanup_close_ int fd = open_vf(race, vf, O_RDONLY);
        char text[32];
        ssize_t n;

        n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return -errno;
        text[n] = '\0';
        return strtol(text, NULL, 10);
}

static int write_type(struct race *race, unsigned int vf, long number) {
        _cleanup_close_ int fd = open_vf(race, vf, O_WRONLY);
        char text[32];
        int n, r = 0;

        n = snprintf(text, sizeof(text), "%ld\n", number);
        atomic_fetch_add(&race->raw_steps[vf], 1);
        if (fd < 0 || write(fd, text, (size_t) n) < 0)
                r = -errno;
        atomic_fetch_add(&race->raw_steps[vf], 1);
        return r;
}

static long number_of(const char *type) {
        return strtol(type + strlen(TYPE_PREFIX), NULL, 10);
}

/* Whether a raw writer may have had the VF since @steps were counted. */
static bool is_excused(const struct race *race, unsigned int vf, unsigned long steps) {
        return race->loose && (steps % 2 > 0 || atomic_load(&race->raw_steps[vf]) != steps);
}

/* The client has been told that its vGPU exists. */
static void check_kept(struct race *race, unsigned int vf, const char *type, const char *uuid, unsigned long steps) {
        long now = read_type(race, vf);

        if (now == number_of(type))
                return;
        if (is_excused(race, vf, steps))
                count(race, COUNT_LOST);
        else
                complain(race, COUNT_UNTRUE, vf, "device %s of type %s was created, and the VF has type %ld", uuid,
                         type, now);
}

static void stop(struct race *race, sd_bus *bus, unsigned int vf, const char *uuid, unsigned long steps) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        atomic_fetch_add(&race->n_calls, 1);
        r = call_stop(bus, uuid, false, &error);
        if (r >= 0)
                count(race, COUNT_STOPPED);
        else if (error_is(&error, "NoSuchDevice") && is_excused(race, vf, steps))
                count(race, COUNT_LOST);
        else
                complain(race, COUNT_FAILED, vf, "stop of %s: %s: %s", uuid, error.name, error.message);
        sd_bus_error_free(&error);
}

static void create_and_stop(struct race *race, sd_bus *bus) {
        const char *type = race->types[choose(2)];
        sd_bus_error error = SD_BUS_ERROR_NULL;
        unsigned int vf = choose(race->n_vfs);
        char uuid[UUID_STR_LEN];
        unsigned long steps;
        uuid_t u;
        int r;

        uuid_generate(u);
        uuid_unparse_lower(u, uuid);
        steps = atomic_load(&race->raw_steps[vf]);
        atomic_fetch_add(&race->n_calls, 1);
        r = call_create(bus, uuid, race->vfs[vf], type, &error);
        if (r < 0) {
                if (error_is(&error, "NoAvailableInstances"))
                        count(race, COUNT_REFUSED);
                else if (error_is(&error, "NoSuchDevice") && is_excused(race, vf, steps))
                        count(race, COUNT_LOST);
                else
                        complain(race, COUNT_FAILED, vf, "create of %s: %s: %s", uuid, error.name, error.message);
                sd_bus_error_free(&error);
                return;
        }

        count(race, COUNT_CREATED);
        check_kept(race, vf, type, uuid, steps);
        (void) usleep(choose(KEEP_USEC_MAX));
        check_kept(race, vf, type, uuid, steps);
        stop(race, bus, vf, uuid, steps);
}

static int run_client(struct race *race) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        while (r >= 0 && atomic_load(&race->n_calls) < race->n_calls_max)
                create_and_stop(race, bus);
        return r;
}

static void clear_raw(struct race *race, unsigned int vf, long number) {
        long now = read_type(race, vf);
        int r;

        if (now != number) {
                if (race->loose)
                        return count(race, COUNT_RAW_LOST);
                return complain(race, COUNT_RAW_CLEARED, vf, "a raw writer has set %ld, and it has type %ld", number,
                                now);
        }
        r = write_type(race, vf, 0);
        if (r < 0 && race->loose)
                count(race, COUNT_RAW_LOST);
        else if (r < 0)
                complain(race, COUNT_RAW_CLEARED, vf, "a raw writer has set %ld, and cannot clear it: %s", number,
                         strerror(-r));
}

static int run_raw_writer(struct race *race) {
        while (!atomic_load(&race->ended)) {
                unsigned int vf = choose(race->n_vfs);
                long number = number_of(race->types[choose(2)]);

                if (read_type(race, vf) == 0 && write_type(race, vf, number) >= 0) {
                        count(race, COUNT_RAW_SET);
                        (void) usleep(choose(KEEP_USEC_MAX));
                        clear_raw(race, vf, number);
                } else
                        count(race, COUNT_RAW_REFUSED);
                (void) usleep(choose(KEEP_USEC_MAX));
        }
        return 0;
}

static pid_t start(struct race *race, int (*run)(struct race *race), unsigned long seed) {
        pid_t pid;
        int r;

        pid = fork();
        if (pid != 0)
                return pid;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        random_state[0] = (unsigned short) seed;
        random_state[1] = (unsigned short) (seed >> 16);
        r = run(race);
        if (r < 0)
                fprintf(stderr, "vgpu-race: %s\n", strerror(-r));
        _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static bool wait_all(const pid_t *pids, unsigned int n) {
        bool failed = false;
        int status;

        for (unsigned int i = 0; i < n; i++)
                failed = waitpid(pids[i], &status, 0) < 0 || status != 0 || failed;
        return !failed;
}

static int run(struct race *race, unsigned int n_clients, unsigned int n_writers, unsigned long seed) {
        pid_t clients[PROCESSES_MAX], writers[PROCESSES_MAX];
        bool failed;

        for (unsigned int i = 0; i < n_clients; i++)
                clients[i] = start(race, run_client, seed + i);
        for (unsigned int i = 0; i < n_writers; i++)
                writers[i] = start(race, run_raw_writer, seed + n_clients + i);
        failed = !wait_all(clients, n_clients);
        atomic_store(&race->ended, true);
        failed = !wait_all(writers, n_writers) || failed;

        for (unsigned int vf = 0; vf < race->n_vfs; vf++)
                if (read_type(race, vf) != 0)
                        complain(race, COUNT_LEFT, vf, "it has type %ld at the end", read_type(race, vf));
        printf("calls %lu\n", atomic_load(&race->n_calls));
        for (enum count i = 0; i < _COUNT_MAX; i++) {
                printf("%s %lu\n", count_names[i], atomic_load(&race->counts[i]));
                failed = failed || (i >= COUNT_FAILED && atomic_load(&race->counts[i]) > 0);
        }
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(FILE *f) {
        fprintf(f,
                "vgpu-race [--calls N] [--clients N] [--writers N] [--seed N] [--loose] TYPE TYPE VF…\n\n"
                "Clients (8) create and stop vGPUs of both types on the VFs, N (3000) calls in all. Meanwhile raw "
                "writers (2) set\nand clear types without asking the daemon. --loose: the driver takes time between "
                "its checks of a write and\nwhat the write does.\n");
        return f == stdout ? EXIT_SUCCESS : 2;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "calls", required_argument, NULL, 'c' },
                { "clients", required_argument, NULL, 'n' },
                { "writers", required_argument, NULL, 'w' },
                { "seed", required_argument, NULL, 's' },
                { "loose", no_argument, NULL, 'l' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        unsigned long n_clients = 8, n_writers = 2, seed = (unsigned long) getpid();
        struct race *race;
        int c;

        race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (race == MAP_FAILED)
                return EXIT_FAILURE;
        race->n_calls_max = 3000;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'c':
                        race->n_calls_max = strtoul(optarg, NULL, 10);
                        break;
                case 'n':
                        n_clients = strtoul(optarg, NULL, 10);
                        break;
                case 'w':
                        n_writers = strtoul(optarg, NULL, 10);
                        break;
                case 's':
                        seed = strtoul(optarg, NULL, 10);
                        break;
                case 'l':
                        race->loose = true;
                        break;
                case 'h':
                        return usage(stdout);
                default:
                        return usage(stderr);
                }
        if (argc - optind < 3 || argc - optind > 2 + VFS_MAX || n_clients > PROCESSES_MAX || n_writers > PROCESSES_MAX)
                return usage(stderr);
        for (int i = 0; i < 2; i++) {
                race->types[i] = argv[optind + i];
                if (strncmp(race->types[i], TYPE_PREFIX, strlen(TYPE_PREFIX)) != 0)
                        return usage(stderr);
        }
        for (int i = optind + 2; i < argc; i++)
                race->vfs[race->n_vfs++] = argv[i];

        printf("seed %lu\n", seed);
        (void) fflush(stdout);
        return run(race, (unsigned int) n_clients, (unsigned int) n_writers, seed);
}
