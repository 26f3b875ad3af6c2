/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediated: manages the mediated devices of this host. */

#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include "common/number.h"
#include "daemon/api/manager.h"
#include "daemon/autostart/autostart.h"
#include "daemon/base/log.h"
#include "daemon/jobs/jobs.h"
#include "daemon/manager.h"
#include "daemon/workers/pool.h"

static int help(void) {
        printf("mediated [OPTION…]\n\n"
               "Manage the mediated devices of this host on the system bus. Started by systemd, not by hand.\n\n"
               "  -h --help      Show this help\n"
               "     --version   Show the version\n"
               "     --adopt     Mark the 'auto' definitions of all present parents as already started,\n"
               "                 then exit. For a running host that something else has managed\n"
               "     --autostart-parallel N\n"
               "                 How many devices of one parent are started at once (default %d)\n"
               "     --callout-timeout SECONDS\n"
               "                 How long a callout may take before it is killed (default %d)\n"
               "     --debug     Log details\n",
               AUTOSTART_PARALLEL_DEFAULT, CALLOUT_TIMEOUT_DEFAULT);
        return EXIT_SUCCESS;
}

static int version(void) {
        printf("mediated " PROJECT_VERSION "\n");
        return EXIT_SUCCESS;
}

struct arguments {
        bool adopt;
        unsigned int autostart_parallel;
        unsigned int callout_timeout;   /* s */
};

static bool parse_number(const char *text, unsigned int max, unsigned int *ret) {
        bool good = number_parse(text, 1, max, ret);

        if (!good)
                fprintf(stderr, "mediated: '%s' is not a number from 1 to %u\n", text, max);
        return good;
}

/* Returns whether to go on; else the exit status is in @ret_status. */
static bool parse_arguments(int argc, char *argv[], struct arguments *ret, int *ret_status) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { "adopt", no_argument, NULL, 'a' },
                { "autostart-parallel", required_argument, NULL, 'p' },
                { "callout-timeout", required_argument, NULL, 'c' },
                { "debug", no_argument, NULL, 'd' },
                {},
        };
        int c;

        *ret_status = 2;
        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        *ret_status = help();
                        return false;
                case 'v':
                        *ret_status = version();
                        return false;
                case 'a':
                        ret->adopt = true;
                        break;
                case 'p':
                        if (!parse_number(optarg, POOL_BUSY_MAX, &ret->autostart_parallel))
                                return false;
                        break;
                case 'c':
                        if (!parse_number(optarg, CALLOUT_TIMEOUT_MAX, &ret->callout_timeout))
                                return false;
                        break;
                case 'd':
                        log_set_debug(true);
                        break;
                default:
                        return false;
                }

        if (optind < argc) {
                fprintf(stderr, "mediated: no arguments are accepted, see --help\n");
                return false;
        }
        return true;
}

/* The store may belong to somebody else; all other privileges are the workers', who get what is permitted back when
 * they are executed. A manager of services that forbids this call still has a daemon that does what it is asked for. */
static void drop_capabilities(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

        if (syscall(SYS_capget, &header, data) < 0) {
                log_warning_errno(-errno, "Cannot read the daemon's capabilities: %m");
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(data); i++)
                data[i].effective &= i == CAP_TO_INDEX(CAP_DAC_OVERRIDE) ? CAP_TO_MASK(CAP_DAC_OVERRIDE) : 0;
        if (syscall(SYS_capset, &header, data) < 0)
                log_warning_errno(-errno, "Cannot drop the daemon's capabilities, it keeps those of its workers: %m");
}

int main(int argc, char *argv[]) {
        _cleanup_(manager_freep) struct manager *manager = NULL;
        struct arguments arguments = {
                .autostart_parallel = AUTOSTART_PARALLEL_DEFAULT,
                .callout_timeout = CALLOUT_TIMEOUT_DEFAULT,
        };
        int r;

        if (!parse_arguments(argc, argv, &arguments, &r))
                return r;

        drop_capabilities();
        r = manager_new(&manager);
        if (r < 0)
                return EXIT_FAILURE;
        autostart_set_parallel(manager->autostart, arguments.autostart_parallel);
        manager->jobs->callout_timeout = arguments.callout_timeout * USEC_PER_SEC;

        r = arguments.adopt ? manager_adopt(manager) : manager_run(manager);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
