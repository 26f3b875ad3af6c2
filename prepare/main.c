/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediated-prepare: makes the virtual functions of one card, as the files of mediated.d say. */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <syslog.h>

#include "common/number.h"
#include "common/sets.h"
#include "prepare/prepare.h"

#define ATTEMPTS_DEFAULT 5
#define PAUSE_DEFAULT 5                 /* s */
#define STEP_DEFAULT 120                /* s */
#define SETTLE_DEFAULT 60               /* s */

/* More pauses than that, each twice as long as the one before, would take years. */
#define ATTEMPTS_MAX 20
#define SECONDS_MAX 86400

struct arguments {
        bool ended;
        unsigned int attempts, pause, step, settle;
        const char *card;
};

static int help(void) {
        printf("mediated-prepare [OPTION…] CARD\n\n"
               "Make the virtual functions of a card, as the files in /etc/mediated.d, /run/mediated.d and\n"
               "/usr/lib/mediated.d say, see mediated.d(5). Started by systemd: mediated-prepare@CARD.service.\n\n"
               "  -h --help           Show this help\n"
               "     --version        Show the version\n"
               "     --attempts N     How many attempts there are (default %d)\n"
               "     --pause SECONDS  How long to wait after the first attempt; twice as long after each further\n"
               "                      one (default %d)\n"
               "     --timeout SECONDS\n"
               "                      How long an attempt may take (default %d)\n"
               "     --settle SECONDS\n"
               "                      How long drivers and types may take to appear (default %d)\n"
               "     --ended          Only correct what is told of the card: nobody prepares it any more\n",
               ATTEMPTS_DEFAULT, PAUSE_DEFAULT, STEP_DEFAULT, SETTLE_DEFAULT);
        return EXIT_SUCCESS;
}

static bool parse_number(const char *text, unsigned int min, unsigned int max, unsigned int *ret) {
        bool good = number_parse(text, min, max, ret);

        if (!good)
                fprintf(stderr, "mediated-prepare: '%s' is not a number from %u to %u\n", text, min, max);
        return good;
}

/* Returns whether to go on; else the exit status is in @ret_status. */
static bool parse_arguments(int argc, char *argv[], struct arguments *ret, int *ret_status) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { "attempts", required_argument, NULL, 'a' },
                { "pause", required_argument, NULL, 'p' },
                { "timeout", required_argument, NULL, 't' },
                { "settle", required_argument, NULL, 's' },
                { "ended", no_argument, NULL, 'e' },
                {},
        };
        bool good = true;
        int c;

        *ret_status = 2;
        while (good && (c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        *ret_status = help();
                        return false;
                case 'v':
                        printf("mediated-prepare " PROJECT_VERSION "\n");
                        *ret_status = EXIT_SUCCESS;
                        return false;
                case 'a':
                        good = parse_number(optarg, 1, ATTEMPTS_MAX, &ret->attempts);
                        break;
                case 'p':
                        good = parse_number(optarg, 0, SECONDS_MAX, &ret->pause);
                        break;
                case 't':
                        good = parse_number(optarg, 1, SECONDS_MAX, &ret->step);
                        break;
                case 's':
                        good = parse_number(optarg, 0, SECONDS_MAX, &ret->settle);
                        break;
                case 'e':
                        ret->ended = true;
                        break;
                default:
                        return false;
                }
        if (good && optind + 1 != argc) {
                fprintf(stderr, "mediated-prepare: Name one card, such as 0000:3d:00.0; see --help\n");
                return false;
        }
        ret->card = argv[optind];
        return good;
}

/* A program that was killed cannot write to the card's file. systemd calls this when the service has ended. */
static int correct_state(const char *card) {
        _cleanup_preparation_ struct preparation preparation = {};
        const char *result = getenv("SERVICE_RESULT");

        if (preparation_load(card, &preparation) < 0 || preparation.state != PREPARATION_RUNNING)
                return EXIT_SUCCESS;
        (void) progress_ended(&(struct progress) { card, preparation.set, preparation.attempt, preparation.attempts },
                       PREPARATION_FAILED, "mediated-prepare was ended before it was done (%s): %s",
                       result ? result : "unknown reason", preparation.message);
        return EXIT_SUCCESS;
}

static int make_signal_fd(void) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        return signalfd(-1, &set, SFD_CLOEXEC);
}

static void log_warning(const char *warning, void *userdata) {
        progress_log(userdata, LOG_WARNING, "%s", warning);
}

static int run(const struct arguments *arguments) {
        _cleanup_sets_ struct sets sets = {};
        struct plan plan = {
                .card = arguments->card,
                .attempts = arguments->attempts,
                .pause_usec = arguments->pause * USEC_PER_SEC,
                .step_usec = arguments->step * USEC_PER_SEC,
                .settle_usec = arguments->settle * USEC_PER_SEC,
                .progress = { .card = arguments->card, .attempts = arguments->attempts },
        };
        struct set_card for_set;
        struct card card;
        int r;

        r = card_read(plan.card, &card);
        if (r < 0) {
                progress_log(&plan.progress, LOG_ERR, "There is no PCI device %s", plan.card);
                return EXIT_FAILURE;
        }
        r = sets_load(&sets, log_warning, &plan.progress);
        if (r < 0) {
                progress_log(&plan.progress, LOG_ERR, "The files of mediated.d cannot be read: %s", strerror(-r));
                return EXIT_FAILURE;
        }
        for_set = card_for_set(&card);
        plan.set = card.is_function ? NULL : sets_find(&sets, &for_set);
        plan.wanted = card_wanted(&card, plan.set);
        /* Nobody asks for anything, perhaps not any more. */
        if (!plan.set || !set_asks(plan.set)) {
                (void) preparation_remove(plan.card);
                return EXIT_SUCCESS;
        }
        plan.progress.set = plan.set->name;
        plan.signal_fd = make_signal_fd();
        return prepare(&plan);
}

int main(int argc, char *argv[]) {
        struct arguments arguments = {
                .attempts = ATTEMPTS_DEFAULT,
                .pause = PAUSE_DEFAULT,
                .step = STEP_DEFAULT,
                .settle = SETTLE_DEFAULT,
        };
        int status;

        if (!parse_arguments(argc, argv, &arguments, &status))
                return status;
        return arguments.ended ? correct_state(arguments.card) : run(&arguments);
}
