/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The storm (storm.h) as a program: prints the seed first, then one `NAME COUNT` a line, and fails when something
 * is not 0 that must be. */

#include <errno.h>
#include <error.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <uuid/uuid.h>

#include "common/macro.h"
#include "tests/race/calls.h"
#include "tests/race/storm.h"

static const char *const count_names[_COUNT_MAX] = {
        [COUNT_CREATED] = "create.success",
        [COUNT_CREATE_EXISTS] = "create.AlreadyExists",
        [COUNT_STOPPED] = "stop.success",
        [COUNT_STOP_NONE] = "stop.NoSuchDevice",
        [COUNT_BUSY] = "stop.DeviceBusy",
        [COUNT_VANISHED] = "create.NoSuchDevice",
        [COUNT_CLEAN_ROUNDS] = "rounds.clean",
        [COUNT_RAW_ROUNDS] = "rounds.raw",
        [COUNT_LOOKS] = "looks",
        [COUNT_WEDGED_BY_RAW] = "wedged-by-raw",
        [COUNT_FAILED] = "failed",
        [COUNT_EAGAIN] = "EAGAIN",
        [COUNT_WEDGED_BY_US] = "wedged-by-us",
        [COUNT_OUT_OF_ORDER] = "out-of-order",
        [COUNT_TWO_PARENTS] = "two-parents",
        [COUNT_IMPOSSIBLE] = "impossible",
        [COUNT_UNSETTLED] = "unsettled",
};

void storm_count(struct storm *storm, enum count count) {
        storm->counts[count]++;
}

void storm_complain(const struct slot *slot, enum count count, const char *format, ...) {
        va_list args;

        storm_count(slot->storm, count);
        fprintf(stderr, "%s, step %" PRIu64 ", %s round: %s: ", slot->raw->uuid, slot->storm->step,
                slot->is_raw ? "raw" : "clean", count_names[count]);
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputc('\n', stderr);
}

#define MINUTE_USEC (60 * USEC_PER_SEC)

bool storm_is_over(const struct storm *storm) {
        return storm->n_calls >= storm->n_calls_max;
}

/* Everybody draws from numbers of his own, so that what one does does not depend on how fast another is. */
static void seed_random(unsigned short random[3], unsigned long seed, unsigned int who) {
        random[0] = (unsigned short)(who + 1);
        random[1] = (unsigned short)seed;
        random[2] = (unsigned short)(seed >> 16);
        for (int i = 0; i < 8; i++)
                (void)nrand48(random);
}

static void slot_init(struct storm *storm, unsigned int i, unsigned long seed) {
        struct slot *slot = storm->slots + i;
        uuid_t uuid;

        *slot = (struct slot){.storm = storm, .raw = storm->raw->slots + i, .history.start = NOWHERE};
        seed_random(slot->random, seed, CLIENTS_MAX + i);
        for (size_t k = 0; k < sizeof(uuid); k++)
                uuid[k] = (unsigned char)nrand48(slot->random);
        uuid_unparse_lower(uuid, slot->raw->uuid);
}

/* Before there is a connection that a child could inherit. */
static int start_writers(struct storm *storm, unsigned long seed, bool rude) {
        storm->raw->n_slots = storm->n_slots;
        storm->raw->n_parents = storm->n_parents;
        storm->raw->parents = storm->parents;
        storm->raw->types = storm->types;
        storm->raw->rude = rude;
        for (unsigned int i = 0; i < storm->n_writers; i++) {
                storm->writers[i] = raw_start(storm->raw, seed + i);
                if (storm->writers[i] < 0)
                        return storm->writers[i];
        }
        return 0;
}

static void end_writers(struct storm *storm) {
        for (unsigned int i = 0; i < storm->n_writers; i++) {
                (void)kill(storm->writers[i], SIGKILL);
                (void)waitpid(storm->writers[i], NULL, 0);
        }
}

static int connect_all(struct storm *storm, unsigned long seed) {
        int r;

        r = sd_event_default(&storm->event);
        if (r >= 0)
                r = sd_bus_open_system(&storm->observer);
        if (r >= 0)
                r = sd_bus_attach_event(storm->observer, storm->event, 0);
        for (unsigned int i = 0; r >= 0 && i < storm->n_clients; i++) {
                struct client *client = storm->clients + i;

                client->storm = storm;
                seed_random(client->random, seed, i);
                r = sd_bus_open_system(&client->bus);
                if (r >= 0)
                        r = sd_bus_attach_event(client->bus, storm->event, 0);
        }
        return r;
}

static int on_minute(sd_event_source *source, uint64_t usec, void *userdata) {
        const struct storm *storm = userdata;

        printf("calls %" PRIu64 " of %" PRIu64 "\n", storm->n_calls, storm->n_calls_max);
        fflush(stdout);
        (void)sd_event_source_set_time_relative(source, MINUTE_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int blow(struct storm *storm) {
        (void) sd_event_add_time_relative(storm->event, NULL, CLOCK_MONOTONIC, MINUTE_USEC, USEC_PER_SEC, on_minute,
                                          storm);
        for (unsigned int i = 0; i < storm->n_slots; i++)
                round_begin(storm->slots + i);
        for (unsigned int i = 0; i < storm->n_clients; i++)
                client_go_on(storm->clients + i);
        return sd_event_loop(storm->event);
}

static void stop_all(struct storm *storm) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        /* The others were closed with the loop. */
        if (sd_bus_open_system(&bus) < 0)
                return;
        for (unsigned int i = 0; i < storm->n_slots; i++) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

                if (storm->slots[i].rests_on != NOWHERE &&
                    call_stop(bus, storm->slots[i].raw->uuid, false, &error) < 0)
                        storm_complain(storm->slots + i, COUNT_FAILED, "the last stop: %s", error.message);
        }
}

/* Returns whether all is as it must be. */
static bool report(const struct storm *storm, double seconds) {
        bool good = true;

        printf("calls %" PRIu64 "\nseconds %.1f\n", storm->n_calls, seconds);
        for (int i = 0; i < _RAW_COUNT_MAX; i++)
                printf("%s %lu\n", raw_count_to_string((enum raw_count)i), atomic_load(&storm->raw->counts[i]));
        for (int i = 0; i < _COUNT_MAX; i++) {
                printf("%s %lu\n", count_names[i], storm->counts[i]);
                good = good && (i < COUNT_FAILED || storm->counts[i] == 0);
        }
        return good;
}

static double now_seconds(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(struct storm *storm, unsigned long seed, bool rude) {
        double start = now_seconds();
        int r;

        printf("seed %lu\n", seed);
        fflush(stdout);
        for (unsigned int i = 0; i < storm->n_slots; i++)
                slot_init(storm, i, seed);
        r = start_writers(storm, seed, rude);
        if (r >= 0)
                r = connect_all(storm, seed);
        if (r >= 0)
                r = blow(storm);
        end_writers(storm);
        if (r < 0)
                error(0, -r, "the storm ended early");
        else
                stop_all(storm);
        return report(storm, now_seconds() - start) && r >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int usage(FILE *f) {
        fprintf(f, "race-storm [OPTION…] PARENT:TYPE…\n\n"
                   "Clients create and stop the same UUIDs on the parents as fast as they can, some of the time "
                   "with others\n"
                   "that write to sysfs meanwhile. Prints what was answered how often; fails when an answer was "
                   "not true,\n"
                   "or not in the order of the questions, or a device is wedged by mediated.\n\n"
                   "  --calls N          In all (10000)\n"
                   "  --clients N        Connections (8)\n"
                   "  --uuids N          (4)\n"
                   "  --raw N            Processes that write to sysfs (2)\n"
                   "  --raw-percent N    Of the time in which they do (50)\n"
                   "  --rude             They remove what is not complete, and so wedge it\n"
                   "  --seed N           As an earlier run has printed it (random)\n");
        return f == stdout ? EXIT_SUCCESS : 2;
}

static bool parse_number(const char *text, unsigned long min, unsigned long max, unsigned long *ret) {
        char *end;

        errno = 0;
        *ret = strtoul(text, &end, 10);
        return errno == 0 && end != text && !*end && *ret >= min && *ret <= max;
}

static bool parse_parents(struct storm *storm, int argc, char *argv[]) {
        if (argc < 1 || argc > PARENTS_MAX)
                return false;
        for (int i = 0; i < argc; i++) {
                /* The last one: a PCI address has some. */
                char *colon = strrchr(argv[i], ':');

                if (!colon)
                        return false;
                *colon = '\0';
                storm->parents[i] = argv[i];
                storm->types[i] = colon + 1;
        }
        storm->n_parents = (unsigned int)argc;
        return true;
}

int main(int argc, char *argv[]) {
        enum { CALLS, CLIENTS, UUIDS, RAW, RAW_PERCENT, SEED, N_NUMBERS, RUDE, HELP };
        static const struct option options[] = {
                {"calls", required_argument, NULL, CALLS},
                {"clients", required_argument, NULL, CLIENTS},
                {"uuids", required_argument, NULL, UUIDS},
                {"raw", required_argument, NULL, RAW},
                {"raw-percent", required_argument, NULL, RAW_PERCENT},
                {"seed", required_argument, NULL, SEED},
                {"rude", no_argument, NULL, RUDE},
                {"help", no_argument, NULL, HELP},
                {},
        };
        static const unsigned long min[N_NUMBERS] = {[CALLS] = 1, [CLIENTS] = 1, [UUIDS] = 1};
        static const unsigned long max[N_NUMBERS] = {ULONG_MAX,   CLIENTS_MAX, SLOTS_MAX,
                                                     WRITERS_MAX, 100,         UINT32_MAX};
        unsigned long numbers[N_NUMBERS] = {10000, 8, 4, 2, 50, (unsigned long)time(NULL)};
        static struct storm storm;
        bool rude = false;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (c == HELP)
                        return usage(stdout);
                else if (c == RUDE)
                        rude = true;
                else if (c >= N_NUMBERS || !parse_number(optarg, min[c], max[c], numbers + c))
                        return usage(stderr);
        if (!parse_parents(&storm, argc - optind, argv + optind))
                return usage(stderr);

        storm.n_calls_max = numbers[CALLS];
        storm.n_clients = (unsigned int)numbers[CLIENTS];
        storm.n_slots = (unsigned int)numbers[UUIDS];
        storm.n_writers = (unsigned int)numbers[RAW];
        storm.raw_percent = (unsigned int)numbers[RAW_PERCENT];
        storm.raw = raw_new();
        if (!storm.raw)
                error(EXIT_FAILURE, errno, "no shared memory");
        return run(&storm, numbers[SEED], rude);
}
