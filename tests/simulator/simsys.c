/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The simulated kernel: serves /sys, sends uevents, obeys simctl. Started by simhost as
 * `simsys READY_FD CREATE_DELAY_MS REMOVE_DELAY_MS [PARENT…] [--card=CARD…]`. */

#include <errno.h>
#include <sched.h>

#include "tests/simulator/card.h"
#include "tests/simulator/control.h"
#include "tests/simulator/parent.h"
#include "tests/simulator/simhost.h"
#include "tests/simulator/vfio.h"

static int fail(const char *what, int r) {
        fprintf(stderr, "simsys: %s: %s\n", what, strerror(-r));
        return EXIT_FAILURE;
}

static int add_parent(Host *host, const char *string, uint64_t create_delay, uint64_t remove_delay) {
        _cleanup_(spec_freep) Spec *spec = NULL;
        Parent *parent;
        int r;

        r = spec_parse(string, &spec);
        if (r >= 0)
                r = parent_register(host, spec, &(ParentOptions) {0});
        if (r < 0)
                return r;

        parent = host_find_parent(host, spec->name);
        parent->driver.delays[OPERATION_CREATE] = create_delay;
        parent->driver.delays[OPERATION_REMOVE] = remove_delay;
        return 0;
}

static int add_card(Host *host, const char *string, uint64_t create_delay, uint64_t remove_delay) {
        _cleanup_(card_spec_freep) CardSpec *spec = NULL;
        int r;

        r = card_spec_parse(string, &spec);
        if (r >= 0)
                r = card_new(host, spec, create_delay, remove_delay);
        if (r >= 0)
                TAKE_PTR(spec);
        return r;
}

/* The real kernel works in the context of whoever calls it, and waits for no CPU. */
static void get_priority(void) {
        const struct sched_param param = {.sched_priority = 1};

        if (sched_setscheduler(0, SCHED_RR, &param) < 0)
                fprintf(stderr, "simsys: no real-time priority, ignoring: %s\n", strerror(errno));
}

int main(int argc, char **argv) {
        sd_event *event = NULL;
        uint64_t create_delay, remove_delay;
        Host *host = NULL;
        int r;

        if (argc < 4) {
                fprintf(stderr, "usage: simsys READY_FD CREATE_DELAY_MS REMOVE_DELAY_MS [PARENT…] [--card=CARD…]\n");
                return EXIT_FAILURE;
        }

        r = sd_event_new(&event);
        if (r >= 0)
                r = host_new(&host, event);
        if (r < 0)
                return fail("cannot begin", r);

        get_priority();
        vfio_init(host);
        create_delay = strtoull(argv[2], NULL, 10) * USEC_PER_MSEC;
        remove_delay = strtoull(argv[3], NULL, 10) * USEC_PER_MSEC;
        for (int i = 4; i < argc; i++) {
                if (strncmp(argv[i], CARD_WORD, strlen(CARD_WORD)) == 0)
                        r = add_card(host, argv[i] + strlen(CARD_WORD), create_delay, remove_delay);
                else
                        r = add_parent(host, argv[i], create_delay, remove_delay);
                if (r < 0)
                        return fail(argv[i], r);
        }

        r = sysfs_new(&host->sysfs, event, host->tree, "/sys");
        if (r >= 0)
                r = notifier_start(host->notifier, host->sysfs);
        if (r >= 0)
                r = control_new(host);
        if (r < 0)
                return fail("cannot serve /sys", r);

        if (write(atoi(argv[1]), "", 1) < 0)
                return fail("cannot say that it is ready", -errno);
        close(atoi(argv[1]));

        r = sd_event_loop(event);
        return r < 0 ? fail("event loop", r) : EXIT_SUCCESS;
}
