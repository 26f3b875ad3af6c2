/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediated: manages the mediated devices of this host. */

#include <getopt.h>

#include "daemon/log.h"
#include "daemon/manager.h"

static int help(void) {
        printf("mediated [OPTION…]\n\n"
               "Manage the mediated devices of this host on the system bus. Started by systemd, not by hand.\n\n"
               "  -h --help      Show this help\n"
               "     --version   Show the version\n"
               "     --debug     Log what is done in detail\n");
        return EXIT_SUCCESS;
}

static int version(void) {
        printf("mediated " PROJECT_VERSION "\n");
        return EXIT_SUCCESS;
}

/* Returns whether to go on; else the exit status is in @ret. */
static bool parse_arguments(int argc, char *argv[], int *ret) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { "debug", no_argument, NULL, 'd' },
                {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        *ret = help();
                        return false;
                case 'v':
                        *ret = version();
                        return false;
                case 'd':
                        log_set_debug(true);
                        break;
                default:
                        *ret = 2;
                        return false;
                }

        if (optind < argc) {
                fprintf(stderr, "mediated: takes no arguments, see --help\n");
                *ret = 2;
                return false;
        }
        return true;
}

int main(int argc, char *argv[]) {
        _cleanup_(manager_freep) struct manager *manager = NULL;
        int r;

        if (!parse_arguments(argc, argv, &r))
                return r;

        r = manager_new(&manager);
        if (r >= 0)
                r = manager_run(manager);

        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
