/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What one client feels when others take all they can get: its calls are measured in turns, alone and during the flood,
 * and with them the memory of mediated and of the bus. */

#include <errno.h>
#include <error.h>
#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

#include "common/uuid.h"
#include "tests/benchmark/flooder.h"
#include "tests/benchmark/samples.h"
#include "tests/race/calls.h"

#define TURNS 4

/* In which a flood comes up, or what it has left is worked off. */
#define PAUSE_USEC 500000

enum phase {
        ALONE,
        FLOODED,
        _PHASE_MAX,
};

struct measurement {
        sd_bus *bus;
        struct samples reads[_PHASE_MAX], creates[_PHASE_MAX], stops[_PHASE_MAX];
        unsigned long n_failed;
};

static void timed(struct measurement *m, struct samples *samples, sd_bus_message *message) {
        _cleanup_(sd_bus_error_free) sd_bus_error error_answered = SD_BUS_ERROR_NULL;
        uint64_t begin = monotonic_nsec();

        if (sd_bus_call(m->bus, message, 60 * USEC_PER_SEC, &error_answered, NULL) >= 0) {
                (void) samples_add(samples, monotonic_nsec() - begin);
                return;
        }
        if (m->n_failed++ < 3)
                fprintf(stderr, "flood: %s\n", error_answered.message ? error_answered.message : "no answer");
}

static void measure(struct measurement *m, const struct flood *flood, enum phase phase, uint64_t usec) {
        uint64_t end = monotonic_nsec() + usec * NSEC_PER_USEC;

        while (monotonic_nsec() < end) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *read = NULL, *create = NULL, *stop = NULL;
                char uuid[UUID_TEXT_SIZE];

                uuid_random(uuid);
                if (sd_bus_message_new_method_call(m->bus, &read, CALL_NAME, CALL_PATH, CALL_MANAGER,
                                                   "GetParent") < 0 ||
                    sd_bus_message_append(read, "s", flood->parent) < 0 ||
                    call_new_create(m->bus, &create, uuid, flood->parent, flood->type) < 0 ||
                    call_new_stop(m->bus, &stop, uuid, false) < 0)
                        abort();
                timed(m, m->reads + phase, read);
                timed(m, m->creates + phase, create);
                timed(m, m->stops + phase, stop);
                (void) usleep(2000);
        }
}

static unsigned long resident_kib(sd_bus *bus, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        unsigned long size, resident = 0;
        char path[64];
        uint32_t pid;

        if (sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                               "GetConnectionUnixProcessID", NULL, &reply, "s", name) < 0 ||
            sd_bus_message_read(reply, "u", &pid) < 0)
                return 0;
        snprintf(path, sizeof(path), "/proc/%u/statm", pid);
        f = fopen(path, "re");
        if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
                return 0;
        return resident * (unsigned long) sysconf(_SC_PAGESIZE) / 1024;
}

static pid_t start(const struct flood *flood) {
        pid_t pid;
        int r;

        pid = fork();
        if (pid != 0)
                return pid;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        r = flood_run(flood);
        error(EXIT_FAILURE, -r, "the flood has ended");
        return 0;
}

static void print(const char *name, struct samples samples[static _PHASE_MAX]) {
        static const char *const phases[_PHASE_MAX] = { "alone", "flooded" };

        for (int phase = 0; phase < _PHASE_MAX; phase++)
                printf("%s.%s %zu calls, median %.0f us, p99 %.0f us\n", name, phases[phase], samples[phase].n,
                       samples_quantile(samples + phase, 50), samples_quantile(samples + phase, 99));
        if (samples[ALONE].n > 0)
                printf("%s.ratio median %.2f, p99 %.2f\n", name,
                       samples_quantile(samples + FLOODED, 50) / samples_quantile(samples + ALONE, 50),
                       samples_quantile(samples + FLOODED, 99) / samples_quantile(samples + ALONE, 99));
}

static int usage(FILE *f) {
        fprintf(f, "flood [--seconds S] [--connections N] [--calls N] FLOOD PARENT TYPE\n\n"
                   "Measures calls of one client, alone and while others flood mediated, in turns.\n"
                   "FLOOD: jobs (creates and stops), objects (GetManagedObjects), lists (ListDefinitions), types "
                   "(ListTypes),\ndeaf (lists that are never read), no-reply (lists nobody wants an answer of), "
                   "no-reply-jobs.\n\n  --seconds S       of a turn (10); there are four of each\n"
                   "  --connections N   of the flood (1)\n"
                   "  --calls N         that each of them has under way (100)\n");
        return f == stdout ? EXIT_SUCCESS : 2;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "seconds", required_argument, NULL, 's' },
                { "connections", required_argument, NULL, 'c' },
                { "calls", required_argument, NULL, 'n' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        struct flood flood = { .connections = 1, .calls = 100 };
        struct measurement m = {};
        uint64_t seconds = 10;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 's':
                        seconds = strtoul(optarg, NULL, 10);
                        break;
                case 'c':
                        flood.connections = (unsigned int) strtoul(optarg, NULL, 10);
                        break;
                case 'n':
                        flood.calls = (unsigned int) strtoul(optarg, NULL, 10);
                        break;
                default:
                        return usage(c == 'h' ? stdout : stderr);
                }
        if (argc - optind != 3 || seconds == 0 || !flood_exists(argv[optind]))
                return usage(stderr);
        flood.name = argv[optind];
        flood.parent = argv[optind + 1];
        flood.type = argv[optind + 2];

        if (sd_bus_open_system(&m.bus) < 0)
                error(EXIT_FAILURE, 0, "cannot connect to the system bus");
        printf("resident.before mediated %lu kB, bus %lu kB\n", resident_kib(m.bus, CALL_NAME),
               resident_kib(m.bus, "org.freedesktop.DBus"));
        for (int i = 0; i < TURNS; i++) {
                pid_t pid;

                measure(&m, &flood, ALONE, seconds * USEC_PER_SEC);
                pid = start(&flood);
                (void) usleep(PAUSE_USEC);
                measure(&m, &flood, FLOODED, seconds * USEC_PER_SEC);
                printf("resident.flooded mediated %lu kB, bus %lu kB\n", resident_kib(m.bus, CALL_NAME),
                       resident_kib(m.bus, "org.freedesktop.DBus"));
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, 0);
                (void) usleep(PAUSE_USEC);
        }
        print("read", m.reads);
        print("create", m.creates);
        print("stop", m.stops);
        printf("failed %lu\n", m.n_failed);
        sd_bus_flush_close_unref(m.bus);
        for (int phase = 0; phase < _PHASE_MAX; phase++) {
                samples_clear(m.reads + phase);
                samples_clear(m.creates + phase);
                samples_clear(m.stops + phase);
        }
        return m.n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
